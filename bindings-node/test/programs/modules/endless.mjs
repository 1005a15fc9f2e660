// A module that no worker gets done with; see threads.test.mjs.
import { isMainThread } from 'node:worker_threads'
import { task } from 'bursar'

while (!isMainThread);

export const endless = task('modules.endless', { executor: 'thread', module: import.meta.url }, () => 1)
