import { Engine, task } from 'bursar'

const [what, url, name] = process.argv.slice(2)
const known = task(name, (number) => console.log(`ran ${number}`))

const programs = {
  async submit() {
    const engine = await Engine.open(url, { run: false })
    const job = await engine.submit(known, 1)
    console.log(job.id)
    await engine.shutdown()
  },

  /** Nobody waits for the disk but the submit itself. */
  async leave() {
    const engine = await Engine.open(url, { run: false })
    engine.submit(known, 1)
  },

  /** Nobody waits for the answer but the question itself. */
  async asks() {
    const engine = await Engine.open(url, { run: false })
    await engine.submit(known, 1)
    engine.count().then(console.log)
  },

  async work() {
    await Engine.open(url)
  },

  async killed() {
    const engine = await Engine.open(url, { run: false })
    for (let number = 0; number < 50; number += 1) {
      const job = await engine.submit(known, number)
      process.stdout.write(number === 0 ? job.id : `\n${job.id}`)
    }
    process.kill(process.pid, 'SIGKILL')
  },
}

await programs[what]()
