// An engine that did its work and waits: how often do its threads wake up meanwhile?
import { readdirSync, readFileSync } from 'node:fs'
import { Engine, task } from 'bursar'

const engine = await Engine.open('memory:')
const echo = task('echo', async (value) => value)
await (await engine.submit(echo, 1)).result()

/** Switches of our threads, and the processor time of the process in microseconds. */
function look() {
  let switches = 0
  for (const thread of readdirSync('/proc/self/task')) {
    const status = readFileSync(`/proc/self/task/${thread}/status`, 'utf8')
    const name = /^Name:\t(.*)$/m.exec(status)[1]
    if (name.startsWith('bursar')) switches += Number(/^voluntary_ctxt_switches:\t(\d+)$/m.exec(status)[1])
  }
  const { user, system } = process.cpuUsage()
  return { switches, cpu: user + system }
}

const seconds = Number(process.argv[2])
setTimeout(() => {
  const before = look()
  setTimeout(() => {
    const after = look()
    console.log(JSON.stringify({ switches: after.switches - before.switches, cpu: after.cpu - before.cpu }))
  }, seconds * 1_000)
}, 1_000)
