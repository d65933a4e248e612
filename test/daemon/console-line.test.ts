import t from 'tap'
import type { Finding, Receipt } from '../../agent/bundle/schema.ts'
import type { Ended } from '../../agent/capture/open-bundle.ts'
import { failureLine, failureLines, successLine } from '../../agent/daemon/console-line.ts'
import { StoreError } from '../../agent/store/store.ts'

const finding = (sentence: string): Finding => ({
  ...{ kind: 'crash', certainty: 'certain', boot: 'this', subject: {}, sentence, evidence: [] },
})

t.test('what a store answers is one line on the console, and drives no terminal', async (t) => {
  t.equal(
    failureLine(new Error('no\n bucket \x1b[2J\u202e'), undefined),
    'lastgasp: NO COMPLETE BUNDLE: no bucket \\u{1b}[2J\\u{202e}',
  )
})

t.test('where nothing was stored, the console has what was found, and what is kept', async (t) => {
  const refused = new StoreError('permanent', 'cannot keep anything: it is full')
  const lines = failureLines(new Error('no'), 's3://b', [finding('a\x1b[2J died'), finding('b died')], {
    ...{ objects: 0, bytes: 0, refused },
  })
  t.same(lines.split('\n'), [
    'lastgasp: NO COMPLETE BUNDLE at s3://b: no',
    'lastgasp: nothing is kept on the disk: cannot keep anything: it is full',
    'lastgasp: found: a\\u{1b}[2J died',
    'lastgasp: found: b died',
  ])
  const kept = failureLines(new Error('no'), 's3://b', [], { objects: 3, bytes: 2048 })
  t.match(kept, /^lastgasp: kept on the disk, for the next boot to send: 3 objects, 2KiB$/m)
})

t.test('it has 2 KiB and no more, and says how much is left out', async (t) => {
  const many = Array.from({ length: 60 }, (_, i) => finding(`${i} ${'é'.repeat(40)}`))
  const lines = failureLines(new Error('no'), 's3://b', many, { objects: 0, bytes: 0 })
  t.ok(Buffer.byteLength(lines) <= 2048 && Buffer.byteLength(lines) > 1800, `${Buffer.byteLength(lines)}`)
  const [, rest] = /^lastgasp: and (\d+) more lines$/m.exec(lines) ?? []
  t.equal(Number(rest) + lines.split('\n').length - 1, 61)
})

t.test('what was stored is counted, and what is not whole, which settings and absence are not', async (t) => {
  const receipt = (artifact: string, over: Partial<Receipt>) => ({ artifact, bytesStored: 0, objects: [], ...over })
  const whole = receipt('facts', { status: 'complete', bytesStored: 2048, objects: [{} as Receipt['objects'][0]] })
  const fine = [
    ...[whole, receipt('cores', { status: 'absent', reason: 'none' })],
    receipt('live', { status: 'skipped', because: 'limit', reason: 'none is wanted' }),
  ]
  const line = (receipts: readonly object[], trigger = 'shutdown', findings = [finding('It crashed.')]) => {
    const name = { identity: 'host-1', bundle: 'b' }
    const manifest = { receipts, findings, status: 'complete', durationMs: 1_500, trigger }
    return successLine({ name, manifest } as unknown as Ended, 's3://b')
  }
  t.match(
    line(fine),
    /^lastgasp: crash: It crashed\. complete bundle of 1 artifact, 2KiB in 1\.5 s, at s3:\/\/b\/\S+host-1\/b\/?\.$/,
  )
  const failed = receipt('journal', { status: 'failed', because: 'host', reason: 'EIO' })
  t.match(line([...fine, failed]), /; 1 not whole \(journal: EIO\)\.$/)
  t.match(line(fine, 'previous-boot'), /^lastgasp: crash: It crashed\. complete bundle of the boot before: 1 artifact/)
  const unknown = [{ ...finding('It is not known.'), kind: 'unknown' as const }]
  t.match(line(fine, 'shutdown', unknown), /^lastgasp: complete bundle of 1 artifact, .*\/b\/?\. It is not known\.$/)
})
