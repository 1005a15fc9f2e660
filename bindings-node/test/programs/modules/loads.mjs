// Says what was loaded before it; see processes.test.mjs.
import { task } from 'bursar'

export const loads = task(
  'modules.loads',
  { executor: 'process', module: import.meta.url },
  () => globalThis.loaded,
)
