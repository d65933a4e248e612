import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { cannot, sentence } from '../agent/words/cannot.ts'
import type { Lock } from './image/packages.ts'
import { pinRuntime } from './image/pin-runtime.ts'
import { NODE_DISTRIBUTION } from './image/published-runtime.ts'
import { ARCHITECTURES } from './image/runtime.ts'
import { PINS, type RuntimePin } from './image/runtime-pin.ts'

const CHECKOUT = dirname(import.meta.dirname)
/** Two archives of 60 MiB, and two packages of the same size. */
const LIMIT = 20 * 60_000

const USAGE = `npm run runtime-hash -- [--from URL] [--keyring FILE] [--arch ARCH]...

Pins the Node binaries that may be baked, in ${PINS}: by their sha256, compared with what the Node project publishes.
  --from URL      where it publishes (default ${NODE_DISTRIBUTION})
  --keyring FILE  its release keys, for gpgv: without them the signature is "not proven"
  --arch ARCH     ${ARCHITECTURES.join(' or ')} only`

function tell({ version, sha256, from, proven }: RuntimePin, arch: string, because: string | undefined): string {
  const [is, rests] =
    proven === false
      ? ['not proven to be what the Node project publishes', `the npm package ${from.package}, ${from.integrity}`]
      : ['proven to be what the Node project publishes', `${proven.archive}, sha256 ${proven.sha256}`]
  return [
    `Node ${version} for ${arch}, sha256 ${sha256}: ${is}`,
    `  rests on   ${rests}`,
    `  signature  ${proven === false || proven.signedBy === 'not proven' ? 'not proven' : `by ${proven.signedBy}`}`,
    ...(because === undefined ? [] : [`  this time  ${because}`]),
  ].join('\n')
}

try {
  const { values } = parseArgs({
    options: {
      from: { type: 'string', default: NODE_DISTRIBUTION },
      keyring: { type: 'string' },
      arch: { type: 'string', multiple: true, default: [...ARCHITECTURES] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) console.log(USAGE)
  else {
    const lock = JSON.parse(await readFile(join(CHECKOUT, 'package-lock.json'), 'utf8')) as Lock
    const signal = AbortSignal.timeout(LIMIT)
    for (const wanted of values.arch) {
      const arch = ARCHITECTURES.find((known) => known === wanted)
      if (arch === undefined) throw cannot(`pin the runtime for ${wanted}`, `--arch is ${ARCHITECTURES.join(' or ')}`)
      const request = { checkout: CHECKOUT, lock, arch, base: values.from, keyring: values.keyring }
      const { pin, because } = await pinRuntime(request, signal)
      console.log(tell(pin, arch, because))
    }
  }
} catch (error) {
  console.error(sentence(error))
  process.exitCode = 1
}
