import { fileURLToPath } from 'node:url'
import { isMainThread, workerData } from 'node:worker_threads'

/** Under this name a worker of ours finds the key of its post. */
const POST = 'bursar.post'

/** @internal What the thread of a worker is given to find its post. */
export function postData(key: number): Record<string, unknown> {
  return { [POST]: key }
}

/** @internal The key of the post, where this thread is a worker of ours. */
export const post = (workerData as Record<string, unknown> | null | undefined)?.[POST] as number | undefined

/** @internal The program of the processes that run jobs. */
export const PROGRAM = fileURLToPath(new URL('./process.js', import.meta.url))

/** @internal Whether this is a process that was started to run jobs. */
export const served = isMainThread && process.argv[1] === PROGRAM

/** @internal Whether this code runs in a worker, a thread or a process, that was started to run jobs. */
export const inside = post !== undefined || served

/** Who waits for the moment when a program that was loaded for its tasks begins to do its own work. */
let onParked: (() => void) | undefined

/** @internal Resolves once a program that is being loaded begins to do its own work. */
export function parking(): Promise<void> {
  return new Promise((resolve) => {
    onParked = resolve
  })
}

/**
 * @internal In a worker the program itself doesn't run: what opens an engine, or submits to one, while it is
 * loaded for its tasks, waits for ever.
 */
export function park(): Promise<never> {
  onParked?.()
  return new Promise(() => {})
}
