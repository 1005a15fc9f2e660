// Tasks for processes alone; see processes.test.mjs and process_ends.test.mjs.
import { spawn } from 'node:child_process'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { currentJob, task } from 'bursar'

const declare = (name, handler) =>
  task(`processes.${name}`, { executor: 'process', module: import.meta.url }, handler)

let calls = 0
const kept = []

export const pid = declare('pid', () => process.pid)
export const calling = declare('calling', () => {
  calls += 1
  return calls
})
export const about = declare('about', () => {
  const stat = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')
  const cmdline = readFileSync('/proc/self/cmdline', 'utf8').split('\0')[0]
  return {
    session: Number(stat[3]),
    pid: process.pid,
    cmdline,
    argv: process.argv,
    cwd: process.cwd(),
    color: process.env.COLOR,
  }
})
export const large = declare('large', (value) => ({ value, more: Buffer.alloc(value.length, 7) }))
export const signals = declare('signals', (signal) => {
  process.kill(process.pid, signal)
  return new Promise(() => {})
})
export const aborts = declare('aborts', () => process.abort())
export const crashUntil = declare('crashUntil', (attempt) => {
  if (currentJob().attempt < attempt) process.exit(1)
  return currentJob().attempt
})
export const spins = declare('spins', (path) => {
  writeFileSync(path, String(process.pid))
  while (true);
})
/** Starts a child, and one that leaves its session, and waits for ever. */
export const family = declare('family', (path) => {
  const started = [false, true].map((detached) => spawn('sleep', ['1000'], { detached }))
  writeFileSync(path, [process.pid, ...started.map((child) => child.pid)].join(' '))
  return new Promise(() => {})
})
/** Leaves a process behind that has left its session, and crashes. */
export const leavesFamily = declare('leavesFamily', (path) => {
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' })
  writeFileSync(path, String(child.pid))
  process.kill(process.pid, 'SIGKILL')
})
/** Starts a process that takes memory and whose parent ends, and waits for ever. */
export const abandons = declare('abandons', (path, megabytes) => {
  const takes = `globalThis.kept = Buffer.alloc(${megabytes} << 20, 1); setInterval(() => {}, 1000)`
  const script = '"$0" -e "$1" & echo $! > "$2"'
  spawn('sh', ['-c', script, process.execPath, takes, path], { stdio: 'ignore' })
  return new Promise(() => {})
})
export const takes = declare('takes', (megabytes) => {
  for (let n = 0; n < megabytes; n += 1) kept.push(Buffer.alloc(1 << 20, 1))
  return kept.length
})
export const keeps = declare('keeps', (megabytes) => {
  kept.push(Buffer.alloc(megabytes << 20, 1))
  return process.pid
})
export const counts = declare('counts', async (path) => {
  writeFileSync(`${path}.pid`, String(process.pid))
  while (true) {
    appendFileSync(path, '.')
    await sleep(2)
  }
})
export const speaks = declare('speaks', (text) => {
  console.log(text)
  console.error(`${text}, as an error`)
})
export const stopping = declare('stopping', async () => {
  const { signal } = currentJob()
  currentJob().progress(1)
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  const { name, message } = signal.reason
  currentJob().log([process.title, name, message].join())
})
export const wrongNotes = declare('wrongNotes', () => {
  const said = []
  for (const note of [(job) => job.progress(101), (job) => job.checkpoint('x'.repeat(2 << 20))]) {
    try {
      note(currentJob())
    } catch (error) {
      said.push([error.code, error.message])
    }
  }
  return said
})
