import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { HostReads } from '../../../agent/collector/host/host-reads.ts'
import { readKernelLog } from '../../../agent/collector/host/kernel-log.ts'
import { ledger } from '../../../agent/collector/host/ledger.ts'

function reader(root: string) {
  const troubles = ledger()
  return { troubles, reads: new HostReads(root, troubles, AbortSignal.timeout(60_000)) }
}

t.test('of a long log the newest 256 KiB are kept', async (t) => {
  const root = t.testdir({ dev: {} })
  const records = Array.from({ length: 30_000 }, (_, at) => `6,${at},${at}000000,-;message ${at} of many\n KEY=${at}\n`)
  writeFileSync(join(root, 'dev/kmsg'), records.join(''))
  const lines = (await readKernelLog(reader(root).reads)) ?? []
  t.equal(lines.at(-1), '[29999.000000] message 29999 of many')
  const first = Number(lines[0]?.match(/message (\d+)/)?.[1])
  t.equal(lines.length, 30_000 - first, 'none is missing in between')
  const kept = records.slice(first).join('').length
  t.ok(kept <= 256 * 1024 && kept > 255 * 1024, `${kept} bytes kept`)
})

t.test('a log that may not be read, or is none, is no failure', async (t) => {
  const { reads, troubles } = reader(t.testdir({}))
  t.equal(await readKernelLog(reads), undefined)
  t.match(troubles.text(), /^dev\/kmsg: ENOENT/)
  t.strictSame(await readKernelLog(reader(t.testdir({ dev: { kmsg: 'no record\n' } })).reads), [])
})

t.test('the real one is read to its end without waiting', { skip: unreadable() }, async (t) => {
  const lines = (await readKernelLog(reader('/').reads)) ?? []
  t.ok(lines.length > 0)
  for (const line of lines) if (!/^\[ *\d+\.\d{6}\] /.test(line)) t.fail(line)
  const version = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()
  const booted = lines.find((line) => line.includes('Linux version'))
  if (booted !== undefined) t.match(booted, version)
})

function unreadable(): string | false {
  try {
    accessSync('/dev/kmsg', constants.R_OK)
    return false
  } catch {
    return '/dev/kmsg needs root or CAP_SYSLOG'
  }
}
