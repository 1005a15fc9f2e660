// A module that no worker gets done with; see scenes.mjs.
import { task } from 'bursar'
import { isProgram } from './place.cjs'

while (!isProgram);

export const endless = task('modules.endless', { executor: 'thread', module: import.meta.url }, () => 1)
