// A module that only the program itself can load; see scenes.mjs.
import { task } from 'bursar'
import { isProgram } from './place.cjs'

if (!isProgram) throw new TypeError('not in a worker')

export const broken = task('modules.broken', { executor: 'thread', module: import.meta.url }, () => 1)
