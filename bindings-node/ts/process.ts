// What a process of the pool runs.

import { Child } from './child.js'
import { hold } from './hold.js'
import { served } from './inside.js'
import { isLive } from './launch.js'
import { ProcessLine } from './process_line.js'
import { crashed } from './run.js'

if (!served) throw new Error('bursar/dist/process.js is for processes of its own pool')

// Without a job the process waits for one: it is ended from outside.
hold()
const child: Child = new Child(new ProcessLine(isLive(process.argv.pop()), () => child.wake()))
process.on('uncaughtExceptionMonitor', (error) => child.breaks(crashed(error)))
process.on('exit', () => child.breaks())
child.wake()
