// A Node program that has nothing to do: with an engine whose jobs have all ended, or without.
// Says `ready`, and ends when its standard input does.

import { text } from 'node:stream/consumers'

const JOBS = 100

async function idle() {
  console.log('ready')
  await text(process.stdin)
}

async function withEngine() {
  // Not even loaded in the bare program.
  const { Engine, task } = await import('bursar')
  const noop = task('noop', { memory: '1MB' }, async () => {})
  const engine = await Engine.open('memory:', { memory: '256MB' })
  const jobs = await noop.submitMany(Array.from({ length: JOBS }, () => []))
  await Promise.all(jobs.map((job) => job.result()))
  await idle()
  await engine.shutdown()
}

await (process.argv[2] === 'bare' ? idle() : withEngine())
