// Reads a result a piece at a time, and tells its size and how much more memory that needed, in kB.
import { readFileSync } from 'node:fs'
import { Engine } from 'bursar'

const [url, id] = process.argv.slice(2)
const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])

const engine = await Engine.open(url, { run: false })
const job = await engine.job(id)
await job.wait()
const before = peak()
let size = 0
for await (const piece of await job.openResult()) size += piece.length
console.log(size, peak() - before)
await engine.shutdown()
