import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Manifest, manifestSchema } from '../../agent/bundle/schema.ts'

/** Longer than anything here takes on a machine under load. */
const PATIENCE_MS = 30_000
const MAIN = join(import.meta.dirname, '../../agent/main.ts')

/** A process of ours, with what it said. */
export interface Running {
  readonly child: ChildProcess
  said(): string
  /** Waits until it has said something that matches. */
  says(pattern: RegExp): Promise<void>
  /** Waits for its end: exit code, or the name of the signal. */
  ended(): Promise<number | string>
}

export interface Host {
  readonly directory: string
  readonly socket: string
  readonly hold: string
  readonly bucket: string
  collector(...args: string[]): Running
  daemon(...args: string[]): Running
  /** A daemon that has no store. */
  homeless(...args: string[]): Running
}

interface Teardown {
  teardown(end: () => void | Promise<void>): void
}

/** Both resident processes as their units start them, with sockets and a bucket in a directory of their own. */
export async function hostOf(test: Teardown): Promise<Host> {
  const directory = await mkdtemp(join(tmpdir(), 'lastgasp-test-'))
  const [socket, hold, bucket] = ['collector.sock', 'hold', 'bucket'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  const running: Running[] = []
  const start = (command: string, args: readonly string[]) => {
    const node = [
      ...process.execArgv.filter((arg) => arg.startsWith('--disable-warning')),
      MAIN,
      command,
      '--socket',
      socket,
    ]
    const one = run(process.execPath, ['--disable-warning=ExperimentalWarning', ...node, ...args])
    running.push(one)
    return one
  }
  test.teardown(async () => {
    for (const { child } of running) child.kill('SIGKILL')
    await rm(directory, { recursive: true, force: true })
  })
  const store = [
    '--state',
    join(directory, 'state'),
    '--set',
    `store="${pathToFileURL(bucket).href}"`,
    '--set',
    'identity="host-1"',
  ]
  return {
    directory,
    socket,
    hold,
    bucket,
    // The memory of the machine that the tests run on is nobody's to read.
    collector: (...args) => start('collector', ['--hold', hold, '--set', 'memory.scope="off"', ...args]),
    daemon: (...args) => start('daemon', [...store, ...args]),
    homeless: (...args) => start('daemon', ['--state', join(directory, 'state'), ...args]),
  }
}

/** The closing manifest of the one bundle in a host's bucket. */
export async function manifestOf({ bucket }: Host): Promise<Manifest> {
  const host = join(bucket, 'v1/hosts/host-1')
  const [bundle] = await readdir(host)
  return manifestSchema.parse(JSON.parse(await readFile(join(host, bundle ?? '', 'manifest.json'), 'utf8')))
}

/** Whether flock(1), as in lastgasp-hold.service, would have to wait. */
export const isHeld = ({ hold }: Host) => spawnSync('flock', ['--nonblock', hold, 'true']).status === 1
export const settle = (host: Host) => until(() => isHeld(host), 'the lock to be held')

/** Settings of a store that takes everything and never answers. */
export async function silentStore(test: Teardown): Promise<readonly string[]> {
  const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  test.teardown(() => void silent.close())
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  return bucketAt(`http://127.0.0.1:${port}`)
}

/** Settings of a bucket at an endpoint, with invented keys. */
export function bucketAt(endpoint: string): readonly string[] {
  process.env.AWS_ACCESS_KEY_ID = 'AKIDEXAMPLE'
  process.env.AWS_SECRET_ACCESS_KEY = 'not-a-secret'
  const s3 = { endpoint: `"${endpoint}"`, addressing: '"path"', region: '"us-east-1"' }
  const set = Object.entries(s3).flatMap(([key, value]) => ['--set', `s3.${key}=${value}`])
  return ['--set', 'store="s3://bucket"', ...set]
}

/** Starts a program. */
export function run(program: string, args: readonly string[]): Running {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes) => {
      text += bytes
    })
  const exit = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string)
  return {
    child,
    said: () => text,
    says: (pattern) => until(() => pattern.test(text), `${program} to say ${pattern}; it said: ${text}`),
    ended: () => within(exit, `${program} to end`),
  }
}

/** Starts a daemon that gets so many SIGTERMs at the first moment at which anybody listens for one. */
export function early(times: number, start: () => Running): Running {
  const kill = `for (let n = 0; n < ${times}; n++) process.kill(process.pid, 'SIGTERM')`
  const script = `process.on('newListener', (name) => { if (name === 'SIGTERM') ${kill} })`
  return preloading(script, start)
}

/** Starts something with a script that is loaded into it before all else. What is loaded into the tests themselves stays. */
export function preloading(script: string, start: () => Running): Running {
  const { NODE_OPTIONS: ours = '' } = process.env
  process.env.NODE_OPTIONS = `${ours} --import=data:text/javascript,${encodeURIComponent(script)}`
  try {
    return start()
  } finally {
    process.env.NODE_OPTIONS = ours
  }
}

export async function exists(path: string): Promise<void> {
  await until(async () => (await stat(path).catch(() => undefined)) !== undefined, `${path} to be there`)
}

/** Polls until something holds; an error names what did not. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(() => timeout.reject(new Error(`waited in vain for ${what}`)), PATIENCE_MS)
  return await Promise.race([promise, timeout.promise]).finally(() => clearTimeout(timer))
}
