import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GuestFile } from '../../../scripts/vm/disk.ts'
import { wanted } from '../applications.ts'

const SCRIPT = '/usr/lib/vm/peak.sh'
/** Stays until the machine is off. */
const UNIT = `[Unit]
DefaultDependencies=no
After=lastgasp.service lastgasp-collector.service
[Service]
ExecStart=/bin/bash ${SCRIPT}
`

/** What a machine needs to tell the most private memory that both our services had together, on its console. */
export function peak(): Record<string, GuestFile> {
  return {
    [SCRIPT]: { content: readFileSync(join(import.meta.dirname, 'peak.sh')) },
    '/etc/systemd/system/peak.service': { content: UNIT },
    ...wanted('peak.service'),
  }
}

/** The most that a console was told, bytes. */
export function peakOf(console: string): number {
  return Math.max(...[...console.matchAll(/peak: (\d+) KiB/g)].map(([, kib]) => Number(kib) * 1024))
}
