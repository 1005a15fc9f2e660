// A module that only the main thread can load; see threads.test.mjs.
import { isMainThread } from 'node:worker_threads'
import { task } from 'bursar'

if (!isMainThread) throw new TypeError('not in a worker')

export const broken = task('modules.broken', { executor: 'thread', module: import.meta.url }, () => 1)
