import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { sentence } from '../agent/words/cannot.ts'
import { countOf } from '../agent/words/count-of.ts'
import { formatBytes, formatDuration } from '../agent/words/units.ts'
import { type Baked, bake, unbake } from './image/bake.ts'
import { daemonTimeout } from './image/drop-ins.ts'
import { ARCHITECTURES } from './image/runtime.ts'
import type { KnownRuntime } from './image/runtime-pin.ts'

const USAGE = `scripts/bake --root DIR [--settings FILE.toml]... [--arch ${ARCHITECTURES.join('|')}]
scripts/bake --root DIR --remove

Installs lastgasp into the root directory of an image, offline, from what npm ci and npm run build left here.
  --root DIR       the image's root directory; / is this machine
  --settings FILE  settings for this image; may be repeated, later names win (see scripts/BAKE.md)
  --arch ARCH      refuse an image of another architecture
  --runtime-sha256 HEX
                   bake a runtime of your own: what dist/ has as bin/node, of this hash and no other
  --remove         take it out again`

/** A copy of 150 MB, on any disk. */
const BAKE_LIMIT = 10 * 60_000

function runtimeLine({ sha256, pin }: KnownRuntime): string {
  if (pin === undefined) return `your own, sha256 ${sha256}`
  const proof = pin.proven === false ? 'not proven to be' : 'proven to be'
  return `Node ${pin.version}, as pinned; ${proof} what the Node project publishes${pin.proven === false ? ' (npm run runtime-hash)' : ''}`
}

function tell(root: string, baked: Baked): string {
  const { settings, libraries, unlicensed, account, runtime } = baked
  const sealed = settings.seal.recipients.length > 0
  const lines = [
    `lastgasp ${baked.version} (${baked.arch}) is in ${root}: ${baked.files} files, ${formatBytes(baked.bytes)}`,
    `  runtime    ${runtimeLine(runtime)}`,
    `  store      ${settings.store ?? 'none named yet: nothing is captured until a settings layer names one'}`,
    `  memory     ${sealed ? `sealed to ${countOf(settings.seal.recipients.length, 'recipient')}` : settings.seal.unsealed === 'allow' ? 'leaves UNSEALED: seal.unsealed = "allow"' : 'stays on the host: seal.recipients names nobody'}`,
    `  deadline   ${formatDuration(settings.deadline)} (systemd waits ${daemonTimeout(settings.deadline)} s); applications are held ${formatDuration(settings.hold.wait)} at most`,
    `  user       ${account.uid === undefined ? 'made by systemd-sysusers at boot: the image has no etc/passwd' : `lastgasp, uid ${account.uid}`}`,
  ]
  if (libraries.length > 0)
    lines.push(`  libraries  from this machine: ${libraries.map(({ name }) => name).join(', ')}`)
  if (unlicensed.length > 0)
    lines.push(
      `  licences   this machine has no text of the licence of ${unlicensed.join(', ')}: add the package to the image`,
    )
  if (root === '/')
    lines.push(
      'Start it: systemctl daemon-reload && systemctl start lastgasp.service lastgasp-hold.service lastgasp-cores.service',
    )
  return lines.join('\n')
}

/** What the command line asks for; a string says what is wrong with it. */
function asked() {
  try {
    const { values } = parseArgs({
      options: {
        root: { type: 'string' },
        arch: { type: 'string' },
        settings: { type: 'string', multiple: true, default: [] },
        'runtime-sha256': { type: 'string' },
        remove: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const arch = ARCHITECTURES.find((known) => known === values.arch)
    if (values.help) return 'help'
    if (values.root === undefined) return 'no --root is named'
    const runtime = values['runtime-sha256']
    if (runtime !== undefined && !/^[0-9a-f]{64}$/.test(runtime)) return '--runtime-sha256 wants 64 hexadecimal digits'
    if (values.arch !== arch) return `--arch is ${ARCHITECTURES.join(' or ')}`
    return { ...values, root: values.root, arch, runtime }
  } catch (error) {
    // Its first sentence; the others are about operands, and there are none.
    return sentence(error).split('. ', 1).join()
  }
}

const wish = asked()
if (wish === 'help') console.log(USAGE)
else if (typeof wish === 'string') {
  console.error(`cannot bake: ${wish}\n\n${USAGE}`)
  process.exitCode = 2
} else {
  const { root, arch, settings, remove, runtime } = wish
  try {
    const request = { root, arch, settings, runtime, checkout: dirname(import.meta.dirname) }
    if (remove) console.log(`lastgasp ${await unbake(root)} is out of ${root}`)
    else console.log(tell(root, await bake(request, AbortSignal.timeout(BAKE_LIMIT))))
  } catch (error) {
    console.error(sentence(error))
    process.exitCode = 1
  }
}
