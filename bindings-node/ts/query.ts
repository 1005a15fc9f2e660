import { decode } from './codec.js'
import { BursarError } from './errors.js'
import { checkOptions } from './given.js'
import { type JobInfo, reviveInfo } from './info.js'
import type { NativeFilter, NativePage } from './native.js'
import type { JobFilter, JobQuery } from './options.js'
import type { Runner } from './runner.js'

/** A page of jobs. */
export interface JobPage extends Array<JobInfo> {
  /** The `cursor` to ask for the next page with, where there is one. */
  cursor: string | undefined
}

/** How many jobs a page has where nobody says. */
const LIMIT = 100

const FILTERS = ['state', 'task', 'priority', 'unique']
const PAGES = ['order', 'limit', 'offset', 'cursor']

/** @internal A page of jobs. */
export async function listJobs(runner: Runner, query: JobQuery): Promise<JobPage> {
  checkOptions(query, "{ state: 'failed' }", [...FILTERS, ...PAGES])
  const [filter, which] = [toFilter(query), toPage(query)]
  const text = await runner.ask((waiter) => runner.native.list(filter, which, waiter))
  const page = decode(text) as { jobs: Parameters<typeof reviveInfo>[0][]; next: string | null }
  const jobs = page.jobs.map((job) => reviveInfo(job, runner.values)) as JobPage
  jobs.cursor = page.next ?? undefined
  return jobs
}

/** @internal How many jobs match. */
export async function countJobs(runner: Runner, filter: JobFilter): Promise<number> {
  checkOptions(filter, "{ state: 'failed' }", FILTERS)
  return Number(await runner.ask((waiter) => runner.native.count(toFilter(filter), waiter)))
}

function toFilter({ state, task, priority, unique }: JobFilter): NativeFilter {
  const states = state === undefined ? [] : [state].flat()
  return {
    states: states.map(String),
    ...(task === undefined ? {} : { task: String(task) }),
    ...(priority === undefined ? {} : { priority: String(priority) }),
    ...(unique === undefined ? {} : { unique: String(unique) }),
  }
}

function toPage({ order, limit, offset, cursor }: JobQuery): NativePage {
  return {
    limit: whole('limit', limit ?? LIMIT, 1),
    offset: whole('offset', offset ?? 0, 0),
    ...(order === undefined ? {} : { order: String(order) }),
    ...(cursor === undefined ? {} : { cursor: String(cursor) }),
  }
}

function whole(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least && value < 2 ** 32) return value
  throw new BursarError(
    'Invalid',
    `${name}=${value}: expected a whole number from ${least} to ${2 ** 32 - 1}`,
  )
}
