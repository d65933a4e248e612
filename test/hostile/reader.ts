import { readFileSync, writeFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { runProgram } from '../../agent/commands/program.ts'

/** What one command cost and said, for `judge.ts`. */
export interface Read {
  readonly args: readonly string[]
  readonly exit: number
  /** ms of processor, all threads. */
  readonly cpu: number
  /** MiB: the most that this process had in memory. */
  readonly peakMiB: number
  /** As a terminal gets them, or a file. */
  readonly stdout: string
  readonly stderr: string
}

/** ms: longer than any command takes that ends. */
const LIMIT = 100_000

/** A terminal, or a file, that keeps what is written. */
function stream(isTTY: boolean) {
  const chunks: Buffer[] = []
  const through = new PassThrough()
  through.on('data', (chunk: Buffer) => chunks.push(chunk))
  const seen = Object.assign(through, { isTTY, columns: 80, hasColors: () => isTTY })
  return { seen: seen as unknown as NodeJS.WriteStream, text: () => Buffer.concat(chunks).toString('utf8') }
}

/** Runs a command as an operator would, and gives what it cost and said. */
async function read(args: readonly string[]): Promise<Read> {
  const isTTY = !args.includes('json')
  const [out, error] = [stream(isTTY), stream(isTTY)]
  await runProgram(args, { stdout: out.seen, stderr: error.seen, env: {}, signal: AbortSignal.timeout(LIMIT) })
  const exit = Number(process.exitCode ?? 0)
  process.exitCode = 0
  const { user, system } = process.cpuUsage()
  // getrusage(2) would have the memory of the test in it, from before exec: proc_pid_status(5).
  const [, peak] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  const cost = { cpu: (user + system) / 1000, peakMiB: Number(peak) / 1024 }
  return { args, exit, ...cost, stdout: out.text(), stderr: error.text() }
}

const [report = '', ...args] = process.argv.slice(2)
writeFileSync(report, JSON.stringify(await read(args)))
