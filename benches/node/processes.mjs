// No-ops in two processes, submitted one by one and all awaited, beside tinypool, a piscina whose workers may
// be processes. The contenders take turns, each in a process of its own.

import { median, takeTurns } from './turns.mjs'

const JOBS = 20_000
const ROUNDS = 5

const jobs = { bursar: JOBS, tinypool: JOBS, tinypoolMany: JOBS }
const figures = await takeTurns(new URL('process-contender.mjs', import.meta.url), jobs, ROUNDS)
const [ours, tinypool, many] = Object.values(figures).map(median)

function report(name, peer, peerValue) {
  const row = { name, value: ours, unit: 'jobs/s', peer, peer_value: peerValue, ratio: ours / peerValue }
  console.log(JSON.stringify(row))
}

report('node/20,000 no-ops in 2 processes', 'tinypool', tinypool)
report('node/the same, 8 at once for each process of the peer', 'tinypool', many)
