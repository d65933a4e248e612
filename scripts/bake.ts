import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { cannot, sentence } from '../agent/cannot.ts'
import { formatBytes, formatDuration } from '../agent/settings/units.ts'
import { type Baked, bake, unbake } from './image/bake.ts'
import { daemonTimeout } from './image/drop-ins.ts'
import { ARCHITECTURES } from './image/runtime.ts'

const USAGE = `scripts/bake --root DIR [--settings FILE.toml]... [--arch ${ARCHITECTURES.join('|')}]
scripts/bake --root DIR --remove

Installs lastgasp into the root directory of an image, offline, from what npm ci and npm run build left here.
  --root DIR       the image's root directory; / is this machine
  --settings FILE  settings for this image; may be repeated, later names win (see scripts/BAKE.md)
  --arch ARCH      refuse an image of another architecture
  --remove         take it out again`

/** A copy of 150 MB, on any disk. */
const BAKE_LIMIT = 10 * 60_000

function tell(root: string, baked: Baked): string {
  const { settings, libraries, account } = baked
  const sealed = settings.seal.recipients.length > 0
  const lines = [
    `lastgasp ${baked.version} (${baked.arch}) is in ${root}: ${baked.files} files, ${formatBytes(baked.bytes)}`,
    `  store      ${settings.store ?? 'none named yet: nothing is captured until a settings layer names one'}`,
    `  memory     ${sealed ? `sealed to ${settings.seal.recipients.length} recipient(s)` : settings.seal.unsealed === 'allow' ? 'leaves UNSEALED: seal.unsealed = "allow"' : 'stays on the host: seal.recipients names nobody'}`,
    `  deadline   ${formatDuration(settings.deadline)} (systemd waits ${daemonTimeout(settings.deadline)} s); applications are held ${formatDuration(settings.hold.wait)} at most`,
    `  user       ${account.uid === undefined ? 'made by systemd-sysusers at boot: the image has no etc/passwd' : `lastgasp, uid ${account.uid}`}`,
  ]
  if (libraries.length > 0)
    lines.push(`  libraries  from this machine: ${libraries.map(({ name }) => name).join(', ')}`)
  if (root === '/')
    lines.push('Start it: systemctl daemon-reload && systemctl start lastgasp.service lastgasp-hold.service')
  return lines.join('\n')
}

try {
  const { values } = parseArgs({
    options: {
      root: { type: 'string' },
      arch: { type: 'string' },
      settings: { type: 'string', multiple: true, default: [] },
      remove: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const arch = ARCHITECTURES.find((known) => known === values.arch)
  if (values.help) console.log(USAGE)
  else if (values.root === undefined) throw cannot('bake', `no --root is named\n\n${USAGE}`)
  else if (values.arch !== undefined && arch === undefined)
    throw cannot(`bake for ${values.arch}`, `--arch is ${ARCHITECTURES.join(' or ')}`)
  else if (values.remove) console.log(`lastgasp ${await unbake(values.root)} is out of ${values.root}`)
  else {
    const request = { root: values.root, arch, settings: values.settings, checkout: dirname(import.meta.dirname) }
    console.log(tell(values.root, await bake(request, AbortSignal.timeout(BAKE_LIMIT))))
  }
} catch (error) {
  console.error(sentence(error))
  process.exitCode = 1
}
