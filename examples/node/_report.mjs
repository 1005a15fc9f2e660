// What `compress` says at the end.
import { createHash } from 'node:crypto'

/** Milliseconds; less is the time that starting takes. */
const WAITED = 1

/** @typedef {{ sha256: string, bytes: number, compressed: number }} Compressed */
/** @typedef {{ name: string, result: Compressed, info: import('bursar').JobInfo }} Done */

/**
 * Sums up what the jobs returned, sorted by the name of their file, and when they ran.
 *
 * @param {Done[]} jobs
 * @param {number} pool
 */
export function reportOf(jobs, pool) {
  const digest = createHash('sha256')
  for (const { name, result } of jobs) digest.update(`${result.sha256}  ${name}\n`)
  const infos = jobs.map((job) => job.info)
  const waits = waitsOf(infos).filter((wait) => wait >= WAITED)
  return {
    files: jobs.length,
    bytes: jobs.reduce((sum, { result }) => sum + result.bytes, 0),
    compressed: jobs.reduce((sum, { result }) => sum + result.compressed, 0),
    digest: digest.digest('hex'),
    largest_reserved: largestReserved(infos),
    pool,
    waited: waits.length,
    longest_wait_seconds: waits.reduce((longest, wait) => Math.max(longest, wait), 0) / 1_000,
  }
}

/** @param {ReturnType<typeof reportOf>} report */
export function tableOf(report) {
  const percent = report.bytes > 0 ? (100 * report.compressed) / report.bytes : 0
  const rows = {
    files: number(report.files),
    bytes: number(report.bytes),
    compressed: `${number(report.compressed)} (${percent.toFixed(1)} %)`,
    'largest reserved': `${size(report.largest_reserved)} of ${size(report.pool)}`,
    'waited for memory': `${number(report.waited)} jobs, the longest ${report.longest_wait_seconds.toFixed(3)} s`,
    digest: report.digest,
  }
  return Object.entries(rows)
    .map(([name, value]) => name.padEnd(20) + value)
    .join('\n')
}

/**
 * The milliseconds that each job waited, from the first start of any job after it was submitted:
 * jobs start in batches, and whatever has to wait for the batch alone did not wait for memory.
 *
 * @param {import('bursar').JobInfo[]} infos
 */
function waitsOf(infos) {
  const times = infos.map(({ created, started }) => ({ created: +created, started: Number(started) }))
  const starts = times.map(({ started }) => started).sort((a, b) => a - b)
  return times.map(({ created, started }) => started - (starts.find((start) => start >= created) ?? started))
}

/**
 * The most bytes that were reserved at one time. Dates have milliseconds: what starts and ends in the
 * same one is not counted, so this is never too much.
 *
 * @param {import('bursar').JobInfo[]} infos
 */
function largestReserved(infos) {
  const changes = infos.flatMap(({ started, finished, demand }) => [
    { at: Number(started), change: demand.memory },
    { at: Number(finished), change: -demand.memory },
  ])
  // What ends at a moment comes before what starts at it.
  changes.sort((a, b) => a.at - b.at || a.change - b.change)
  let largest = 0
  let reserved = 0
  for (const { change } of changes) {
    reserved += change
    largest = Math.max(largest, reserved)
  }
  return largest
}

/**
 * Bytes as the engine writes them: `64MB`, `1.5GB`.
 *
 * @param {number} bytes
 */
export function size(bytes) {
  const units = Object.entries({ TB: 1e12, GB: 1e9, MB: 1e6, KB: 1e3, B: 1 })
  const [unit, factor] = units.find(([, factor]) => bytes >= factor) ?? ['B', 1]
  return `${(bytes / factor).toFixed(bytes % factor === 0 ? 0 : 1)}${unit}`
}

/** @param {number} count */
export function number(count) {
  return count.toLocaleString('en-US')
}
