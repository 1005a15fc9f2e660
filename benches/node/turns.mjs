// Contenders that take turns, each in a process of its own: what one does to the promises of its
// process must not touch the other.

import { fork } from 'node:child_process'
import { once } from 'node:events'

async function start(module, name) {
  const child = fork(module, [name])
  // One that ends instead of answering would be awaited for ever: this ends the program.
  const died = (code) => {
    throw new Error(`${name} ended with exit code ${code}`)
  }
  child.once('exit', died)
  await once(child, 'message')
  return {
    async round(jobs) {
      child.send(jobs)
      const [figure] = await once(child, 'message')
      return figure
    },
    end() {
      child.off('exit', died)
      child.kill()
    },
  }
}

/**
 * The figures of each contender of `module`, in rounds of `jobs` that they take in turn; the first is to
 * warm up. Names are the keys of `jobs`.
 */
export async function takeTurns(module, jobs, rounds) {
  const names = Object.keys(jobs)
  const contenders = await Promise.all(names.map((name) => start(module, name)))
  const figures = names.map(() => [])
  for (let round = -1; round < rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      const figure = await contender.round(jobs[names[index]])
      if (round >= 0) figures[index].push(figure)
    }
  }
  for (const contender of contenders) contender.end()
  return Object.fromEntries(names.map((name, index) => [name, figures[index]]))
}

/** Plays the contender that this process was started for. A round that says no figure gives jobs a second. */
export async function play(contenders) {
  const round = await contenders[process.argv[2]]()
  process.on('message', async (jobs) => process.send(await measure(round, jobs)))
  process.send('ready')
}

async function measure(round, jobs) {
  const start = process.hrtime.bigint()
  const figure = await round(jobs)
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  return typeof figure === 'number' ? figure : jobs / seconds
}

export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}
