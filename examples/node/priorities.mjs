// Who goes first, and why a job waits.
import { Engine, task } from 'bursar'

/** @type {() => void} */
let open = () => {}
const gate = new Promise((resolve) => {
  open = () => resolve(undefined)
})

// Takes the whole budget until the gate is opened.
const hold = task('hold', { memory: '64MB' }, () => gate)

const greet = task('greet', { memory: '64MB' }, (/** @type {string} */ name) => {
  console.log(`${name} runs`)
})

const engine = await Engine.open('memory:', { memory: '64MB' })
const holder = await hold.submit()
const low = await greet.options({ priority: 'low' }).submit('low')
const normal = await greet.options({ priority: 'normal' }).submit('normal')
const high = await greet.options({ priority: 'high' }).submit('high')
const critical = await greet.options({ priority: 'critical' }).submit('critical')
console.log(`critical: ${(await critical.why()).text}`)
console.log(`low: ${(await low.why()).text}`)

open()
await Promise.all([holder, low, normal, high, critical].map((job) => job.result()))
await engine.shutdown()
