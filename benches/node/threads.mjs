// No-ops on two worker threads, submitted one by one and all awaited, beside piscina, whose threads have
// neither priorities nor a budget. The contenders take turns, each in a process of its own.

import { median, takeTurns } from './turns.mjs'

const JOBS = 20_000
const ROUNDS = 5

const jobs = { bursar: JOBS, piscina: JOBS, piscinaMany: JOBS }
const figures = await takeTurns(new URL('thread-contender.mjs', import.meta.url), jobs, ROUNDS)
const [ours, piscina, many] = Object.values(figures).map(median)

function report(name, peer, peerValue, bars = {}) {
  const row = { name, value: ours, unit: 'jobs/s', peer, peer_value: peerValue, ratio: ours / peerValue }
  console.log(JSON.stringify({ ...row, ...bars }))
}

report('node/20,000 no-ops on 2 threads', 'piscina', piscina, { bar: '>= 2x', stretch: '>= 4x' })
report('node/the same, 8 at once for each thread of the peer', 'piscina', many)
