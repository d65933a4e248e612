import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cannot, sentence } from '../../agent/words/cannot.ts'
import { SUITES } from './base.ts'
import { buildImage } from './image.ts'
import { output } from './program.ts'
import { qemuArguments } from './qemu.ts'

const USAGE = `node scripts/vm/boot.ts [--suite ${SUITES.join('|')}] [--settings FILE.toml]... [--port PORT] [--memory MIB]

Builds a Debian image with lastgasp in it (npm run build first) and boots it with its console here: log in as root, no
password. The guest reaches PORT on this machine's loopback as 10.0.2.100:9000, and nothing else.
Ctrl-C is the guest's; "poweroff" in it, or killing QEMU from elsewhere, ends it.`

/** Base system, bake and disk. */
const IMAGE_LIMIT = 15 * 60_000

const HERE = import.meta.dirname
const CHECKOUT = join(HERE, '../..')

/** Lets root in without a password: this machine is a toy. */
async function openDoor(root: string, signal: AbortSignal): Promise<void> {
  await output('sed', ['-i', 's/^root:[^:]*:/root::/', join(root, 'etc/shadow')], {}, signal)
}

async function boot(): Promise<void> {
  const { values } = parseArgs({
    options: {
      suite: { type: 'string', default: 'trixie' },
      settings: { type: 'string', multiple: true, default: [join(HERE, 'settings.toml')] },
      port: { type: 'string', default: '9000' },
      memory: { type: 'string', default: '2048' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return console.log(USAGE)
  const suite = SUITES.find((each) => each === values.suite)
  if (suite === undefined) throw cannot(`boot ${values.suite}`, `a suite is one of ${SUITES.join(', ')}`)
  const bake = async (root: string, signal: AbortSignal) => {
    const settings = values.settings.flatMap((file) => ['--settings', file])
    console.log(await output(join(CHECKOUT, 'scripts/bake'), ['--root', root, ...settings], {}, signal))
    await openDoor(root, signal)
  }
  const scratch = await mkdtemp(join(tmpdir(), 'vm-boot-'))
  try {
    const signal = AbortSignal.timeout(IMAGE_LIMIT)
    const options = { cache: join(CHECKOUT, '.cache/vm'), home: scratch, trees: [join(HERE, 'guest')], bake }
    const image = await buildImage(suite, options, signal)
    const args = qemuArguments({ ...image, port: Number(values.port), memoryMiB: Number(values.memory) })
    const qemu = spawn('setpriv', ['--pdeathsig', 'KILL', ...args], { stdio: 'inherit' })
    await new Promise((resolve, reject) => qemu.once('exit', resolve).once('error', reject))
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

await boot().catch((thrown: unknown) => {
  console.error(sentence(thrown))
  process.exitCode = 1
})
