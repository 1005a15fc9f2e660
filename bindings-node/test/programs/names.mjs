import { Engine, task } from 'bursar'

const [what, url, name] = process.argv.slice(2)

const programs = {
  /** It doesn't know the task. */
  async submit() {
    const engine = await Engine.open(url, { run: false })
    const one = await engine.submit(name, 'a', 2)
    const many = await engine.submitMany(name, [['b'], ['c', 3]])
    for (const job of [one, ...many]) console.log(job.id)
    console.log((await one.why()).text)
    await engine.shutdown()
  },

  /** It stays until it has run what waits for it. */
  async work() {
    task(name, async (text, times = 1) => ({ text: text.toUpperCase().repeat(times) }))
    await Engine.open(url)
  },
}

await programs[what]()
