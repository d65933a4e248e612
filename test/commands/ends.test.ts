import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { answering, s3Error } from '../store/answering.ts'
import { asProcess, CLEAN, MAIN } from './lastgasp.ts'

const KEYS = { AWS_ACCESS_KEY_ID: 'INVENTED', AWS_SECRET_ACCESS_KEY: 'invented' }
/** Longer than any of these commands may live: who waits for a helper waits for this. */
const HANGING = 300

const to = (endpoint: string, ...more: readonly string[]) =>
  ['s3.region="x"', `s3.endpoint="${endpoint}"`, ...more].flatMap((setting) => ['--set', setting])
const LIGHT = ['memory.scope="off"', 'stacks.processes=[]', 'live.cores=[]', 'seal.unsealed="allow"', 'deadline=5s']

t.setTimeout(240_000)

t.test('a helper that hangs is named, and keeps no command alive', async (t) => {
  const root = t.testdir({
    helper: `echo $$ > "$0.pid"; sleep ${HANGING}; true`,
    credentials: `[default]\ncredential_process = sh ${t.testdirName}/helper\n`,
    etc: {},
  })
  const env = { AWS_SHARED_CREDENTIALS_FILE: join(root, 'credentials'), AWS_EC2_METADATA_DISABLED: 'true', HOME: root }
  const args = ['capture', '--root', root, '--store', 's3://bucket', ...to('http://127.0.0.1:1', ...LIGHT)]
  const { code, stderr } = await asProcess(args, env)
  t.equal(code, 1)
  t.match(stderr, /NO COMPLETE BUNDLE at s3:\/\/bucket: .*credentials from the profile default had not answered/)
  const helper = Number(await readFile(join(root, 'helper.pid'), 'utf8'))
  while (running(helper)) await sleep(50)
  t.pass('and ends with it')
})

function running(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

t.test('who waits for a silent endpoint is told for what, and can stop it', async (t) => {
  const silent = await answering(t, () => undefined)
  const args = [MAIN, 'list', '--store', 's3://bucket/p', ...to(silent.endpoint)]
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...CLEAN, ...KEYS },
  })
  const ended = once(child, 'close')
  const [told] = (await once(child.stderr, 'data')) as [Buffer]
  t.equal(String(told), `lastgasp: waiting for ${silent.host}, to list s3://bucket/p/v1/index/\n`)
  child.kill('SIGINT')
  t.strictSame(await ended, [130, null])
})

t.test('a read that hangs in the pool keeps no command alive', async (t) => {
  const directory = t.testdir()
  const fifo = join(directory, 'fifo')
  if (spawnSync('mkfifo', [fifo]).status !== 0) return void t.pass('fifo', { skip: 'no mkfifo here' })
  const args = [MAIN, 'verify', 'latest', '--store', `file://${directory}`, '--identity', fifo]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const stderr = text(child.stderr)
  const ended = once(child, 'close')
  // There is a writer as soon as there is a reader, who then waits for what never comes.
  await using _writer = await writerOf(fifo)
  child.kill('SIGINT')
  t.strictSame(await ended, [130, null])
  t.match(await stderr, /^lastgasp: .*interrupted by SIGINT/)
})

/** Opens a FIFO for writing once somebody reads it: until then that fails (ENXIO, fifo(7)). */
async function writerOf(fifo: string): Promise<FileHandle> {
  while (true) {
    try {
      return await open(fifo, constants.O_WRONLY | constants.O_NONBLOCK)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error
      await sleep(50)
    }
  }
}

t.test('check says what the store says', async (t) => {
  const store = await answering(t, () => s3Error(501, 'NotImplemented', 'm'))
  const root = t.testdir({ etc: {} })
  const args = ['check', '-o', 'json', '--root', root, '--store', 's3://bucket', ...to(store.endpoint)]
  const { stdout } = await asProcess(args, KEYS)
  const findings = JSON.parse(stdout) as { about: string; verdict: string; says: string }[]
  const [said] = findings.filter(({ about }) => about === 'store')
  t.match(said, { verdict: 'bad', says: /s3\.checksums.*\(501 NotImplemented: m\)$/ })
})
