// Real user code: that it compiles, strictly, is the test. Each `@ts-expect-error` must be one.
import {
  BursarError,
  currentJob,
  Engine,
  type EngineOptions,
  type Job,
  JobFailed,
  type JobInfo,
  Retry,
  type Task,
  task,
} from 'bursar'
import { openTestEngine } from 'bursar/testing'

/** Whether two types are the same one. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only where the types are the same. */
function same<A, B>(..._: Same<A, B> extends true ? [] : [never]): void {}

const resize = task('images.resize', { memory: '64MB', retries: 3 }, async (path: string, width: number) => {
  const job = currentJob()
  job.progress(10, path)
  const response = await fetch(`http://localhost/${path}`, { signal: job.signal })
  if (response.status === 429) throw new Retry({ delay: '10s' })
  return `${path}@${width}`
})
same<typeof resize, Task<[path: string, width: number], string, Promise<string>>>()

const sharpen = task(
  'images.sharpen',
  { executor: 'thread', module: import.meta.url, memory: '64MB' },
  (pixels: Uint8Array, factor: number) => pixels.map((pixel) => pixel * factor),
)
const isolated = task(
  'images.isolated',
  { executor: 'process', module: import.meta.url },
  async (n: bigint) => [n],
)
// @ts-expect-error there is no such executor
isolated.options({ executor: 'fork' })
// @ts-expect-error where a task is declared is no option of its jobs
sharpen.options({ module: import.meta.url })
// @ts-expect-error workers could not find it
task('nowhere', { executor: 'process' }, () => 1)
// @ts-expect-error a function is no program
task('program', { executor: 'command', module: import.meta.url }, () => 1)
// @ts-expect-error no such option
task('typo', { executor: 'process', module: import.meta.url, retrys: 1 }, () => 1)
task('found', { module: import.meta.url, unique: (id) => `user:${id}` }, async (id: string) => id.length)
// @ts-expect-error a module is a URL or a path
task('nowhere', { executor: 'thread', module: 1 }, () => {})

const plain = task('plain', (n: number) => ({ n }))
const keyed = task('keyed', { unique: (id) => `user:${id}` }, async (id: string) => id.length)
const optional = task('optional', async (a: string, b?: number, ...rest: boolean[]) => [a, b, rest] as const)

export async function main(options: EngineOptions): Promise<void> {
  await Engine.open('memory:', { maxJobsPerChild: 3, maxMemoryPerChild: '64MB', concurrency: { process: 2 } })
  // @ts-expect-error a number
  await Engine.open('memory:', { maxJobsPerChild: 'three' })
  const direct = resize('a.png', 100)
  same<typeof direct, Promise<string>>()
  same<ReturnType<typeof plain>, { n: number }>()

  await using engine = await Engine.open('memory:', { memory: '256MB', ...options })
  const job = await resize.submit('a.png', 100)
  same<typeof job, Job<string>>()
  const result = await job.result({ timeout: '10s', signal: AbortSignal.timeout(1_000) })
  same<typeof result, string>()
  const urgent = await resize.options({ priority: 'critical', delay: '10s' }).submit('b.png', 50)
  same<typeof urgent, Job<string>>()
  const many = await resize.submitMany([
    ['a.png', 1],
    ['b.png', 2],
  ])
  same<typeof many, Job<string>[]>()
  const through = await engine.submit(plain, 1)
  same<typeof through, Job<{ n: number }>>()
  const batch = await engine.submitMany(plain, [[1], [2]])
  same<typeof batch, Job<{ n: number }>[]>()
  const named = await engine.submit<number>('elsewhere', 1, 'two')
  same<typeof named, Job<number>>()
  const anything = await engine.submitMany('elsewhere', [[1], ['two', 3]])
  same<typeof anything, Job<unknown>[]>()
  await keyed.submit('u1')
  await optional.submit('a')
  await optional.submit('a', 1, true, false)
}

export async function reads(engine: Engine, job: Job<string>): Promise<void> {
  for await (const event of job.events()) {
    if (event.type === 'state') same<typeof event.state, JobInfo['state']>()
    if (event.type === 'progress') console.log(event.percent.toFixed())
  }
  const page = await engine.jobs({ state: ['failed', 'cancelled'], limit: 10, order: 'oldest' })
  console.log(
    page.map((info) => info.error?.message ?? info.id),
    page.cursor,
  )
  const why = await job.why()
  for (const reason of why.reasons) if (reason.kind === 'budget') console.log(reason.needs - reason.free)
  const { budget } = await engine.stats()
  console.log(budget.memory.reserved, budget.tokens.gpu?.total)
}

export async function catches(engine: Engine, job: Job<string>): Promise<void> {
  try {
    await (await engine.job<string>(job.id)).result()
  } catch (error) {
    if (error instanceof JobFailed)
      console.log(error.code, error.type, error.info?.attempts.length, error.cause)
    else if (error instanceof BursarError && error.code === 'NotFound') console.log(error.message)
    else throw error
  }
}

export async function mistakes(engine: Engine, job: Job<string>): Promise<void> {
  // @ts-expect-error an argument of another type
  await resize.submit('a.png', '100')
  // @ts-expect-error an argument is missing
  await engine.submit(resize, 'a.png')
  // @ts-expect-error no such option
  resize.options({ retrys: 1 })
  // @ts-expect-error no such priority
  task('bad', { priority: 'urgent' }, () => 1)
  // @ts-expect-error a job is not a thenable
  job.then(() => 1)
  // @ts-expect-error what is for the engine alone is not there
  job._runner
}

export async function tests(): Promise<void> {
  await using test = await openTestEngine({ concurrency: { async: 2 } })
  const job = await test.engine.submit(plain, 1)
  test.clock.advance('1h')
  console.log((await job.result()).n)
}
