// Whole jobs in Node: async no-ops over four priorities, at most 16 at once, beside fastq, which has
// no priorities; and one at a time. The contenders take turns, each in a process of its own.
//
// fastq is pushed to one by one. Bursar has a call for many, which is what a program with 100,000
// calls at hand would use, so the bar is held to that; the row below it submits one by one.

import { median, takeTurns } from './turns.mjs'

const ROUNDS = 7

/** The median figure of each contender. */
async function compare(names, jobs) {
  const each = Object.fromEntries(names.map((name) => [name, jobs]))
  const figures = await takeTurns(new URL('contender.mjs', import.meta.url), each, ROUNDS)
  return names.map((name) => median(figures[name]))
}

function report(name, unit, value, peerValue, bars = {}) {
  const ratio = value / peerValue
  console.log(JSON.stringify({ name, value, unit, peer: 'fastq', peer_value: peerValue, ratio, ...bars }))
}

const [many, one, fastq] = await compare(['bursarMany', 'bursar', 'fastqPush'], 100_000)
report('node/100,000 async no-ops, 4 priorities, 16 at once', 'jobs/s', many, fastq, {
  bar: '>= 0.6x',
  stretch: '>= 1x',
})
report('node/the same, submitted one by one', 'jobs/s', one, fastq)

const [single, fastqSingle] = await compare(['bursarSingle', 'fastqSingle'], 20_000)
report('node/one at a time, submit to result, p50', 'us', single, fastqSingle, {
  bar: '<= 10 us',
  stretch: '<= 5 us',
})
