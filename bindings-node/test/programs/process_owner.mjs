// A program with jobs in processes: it speaks through one, or is killed while they run.
import { Engine } from 'bursar'
import { family, pid, speaks } from './processes.mjs'

const [what, path] = process.argv.slice(2)
await play()

async function play() {
  await Engine.open('memory:', { concurrency: { process: 2 } })
  if (what === 'speaks') return (await speaks.submit('from a process')).result()
  await (await pid.submit()).result()
  await (await family.submit(path)).result()
}
