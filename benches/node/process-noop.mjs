// What Bursar's processes run.

import { task } from 'bursar'

export const noop = task('noop', { executor: 'process', module: import.meta.url }, () => {})
