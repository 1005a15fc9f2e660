// CommonJS loads the same package.
const { Engine, task, BursarError } = require('bursar')
const testing = require('bursar/testing')

const echo = task('echo', async (value) => value)

async function main() {
  const engine = await Engine.open('memory:')
  console.log(await (await engine.submit(echo, 'required')).result())
  const { BursarError: same } = await import('bursar')
  console.log(same === BursarError, typeof testing.openTestEngine)
}
main()
