// Whole jobs on a file in Node, beside plainjob, which stores no results. The contenders take turns,
// each in a process of its own; a ratio is the median of the rounds' own ratios.
//
// benches/node/durable.mjs [JOBS [ROUNDS]]    default 20,000 and 5

import { median, takeTurns } from './turns.mjs'

const jobs = Number(process.argv[2] ?? 20_000)
const rounds = Number(process.argv[3] ?? 5)
// Where plainjob syncs each step of each job by itself, its rounds have a tenth of our jobs.
const fewer = jobs / 10

const SYNCED = 'plainjob (synchronous=FULL)'
const UNSYNCED = 'plainjob (synchronous=NORMAL)'
const HELD = { bar: '>= 1.5x', stretch: '>= 3x' }

const figures = await takeTurns(
  new URL('durable-contender.mjs', import.meta.url),
  {
    one: jobs,
    many: jobs,
    oneProcess: jobs,
    manyProcess: jobs,
    add: fewer,
    addMany: fewer,
    addNormal: jobs,
    addManyNormal: jobs,
  },
  rounds,
)

function report(what, ours, peer, theirs, bars = {}) {
  const ratios = figures[ours].map((figure, round) => figure / figures[theirs][round])
  const row = {
    name: `durable/node, ${what}`,
    value: median(figures[ours]),
    unit: 'jobs/s',
    peer,
    peer_value: median(figures[theirs]),
    ratio: median(ratios),
    ...bars,
  }
  console.log(JSON.stringify(row))
}

const count = jobs.toLocaleString('en')
report(`full: ${count} no-ops one by one, 8 at a time`, 'one', SYNCED, 'add', HELD)
report(`full: ${count} no-ops by submitMany`, 'many', SYNCED, 'addMany', HELD)
report('full: one by one, beside one that syncs less', 'one', UNSYNCED, 'addNormal')
report('full: by submitMany, beside one that syncs less', 'many', UNSYNCED, 'addManyNormal')
report('process: one by one, 8 at a time', 'oneProcess', UNSYNCED, 'addNormal')
report('process: by submitMany', 'manyProcess', UNSYNCED, 'addManyNormal')
