import { statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { BursarError } from './errors.js'

/**
 * @internal The URL of the module that declares a task, checked as far as that can be done without loading
 * it. `undefined` where none is given.
 */
export function checkModule(task: string, module: unknown): string | undefined {
  if (module === undefined || module === null) return undefined
  const url = toUrl(module)
  if (url?.protocol !== 'file:') {
    throw refusal(
      task,
      `module=${show(module)}: expected a file: URL, such as import.meta.url, or an absolute path`,
    )
  }
  checkFile(task, url)
  return url.href
}

/** @internal What is missing where a task is for a worker and its module isn't known. */
export function noModule(task: string, executor: string): BursarError {
  const message =
    `executor '${executor}' needs the module that declares the task, which its workers import: ` +
    'add module: import.meta.url to the options of task() (in CommonJS: module: __filename)'
  return refusal(task, message)
}

function toUrl(module: unknown): URL | undefined {
  if (module instanceof URL) return module
  if (typeof module !== 'string') return undefined
  if (isAbsolute(module)) return pathToFileURL(module)
  return URL.canParse(module) ? new URL(module) : undefined
}

function checkFile(task: string, url: URL): void {
  if (isFile(url)) return
  const typed = /\[(eval\d*|stdin)\]$|%5B(eval\d*|stdin)%5D$/i.test(url.pathname)
  const why = typed
    ? "what was typed in, or given by -e, can't be imported by a worker: put the task into a file"
    : 'there is no such file for a worker to import'
  throw refusal(task, `module=${show(url)}: ${why}`)
}

function isFile(url: URL): boolean {
  try {
    return statSync(fileURLToPath(url)).isFile()
  } catch {
    return false
  }
}

function refusal(task: string, message: string): BursarError {
  return new BursarError('Invalid', `task ${JSON.stringify(task)}: ${message}`)
}

function show(value: unknown): string {
  if (value instanceof URL) return JSON.stringify(value.href)
  return typeof value === 'string' ? JSON.stringify(value) : `a ${typeof value}`
}
