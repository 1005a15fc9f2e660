// A task that is declared on a condition; see scenes.mjs.
import { task } from 'bursar'
import { isProgram } from './place.cjs'

const here = { executor: 'thread', module: import.meta.url }

export const hidden = isProgram ? task('modules.hidden', here, () => 1) : undefined
