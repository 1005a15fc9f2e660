// What Bursar's worker threads run.

import { task } from 'bursar'

export const noop = task('noop', { executor: 'thread', module: import.meta.url }, () => {})
