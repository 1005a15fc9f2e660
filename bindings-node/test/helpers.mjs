import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Engine } from 'bursar'

/** A promise with its handles. */
export function deferred() {
  let resolve
  let reject
  const promise = new Promise((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  return { promise, resolve, reject }
}

/** Opens an engine that is shut down, without waiting, when the test ends. */
export async function open(t, options, url = 'memory:') {
  const engine = await Engine.open(url, options)
  t.after(() => engine.shutdown({ grace: 0 }))
  return engine
}

/** A folder that goes when the test ends, though an engine may still write there. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'bursar-'))
  t.after(() => rmSync(path, { recursive: true, force: true, maxRetries: 10 }))
  return path
}

let names = 0

/** A name that no other test's task has. */
export function unique(name) {
  names += 1
  return `${name}.${names}`
}

/** Runs a program of test/programs; gives its exit code, signal and output. */
export async function run(name, ...args) {
  const path = fileURLToPath(new URL(`programs/${name}`, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (...end) => resolve(end))
  })
  return { code, signal, output: output.trim(), errors: errors.trim() }
}

/** Resolves once the job is in this state. */
export async function reaches(job, state) {
  for await (const event of job.events()) {
    if (event.type === 'state' && event.state === state) return
  }
  throw new Error(`the job ended before it was ${state}`)
}
