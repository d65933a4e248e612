import { equal, match, ok } from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SUITES } from '../../../scripts/vm/base.ts'
import { checkReceipts, receiptsOf } from '../bucket.ts'
import { fetchEvidence } from '../live-evidence.ts'
import { inhibitDelay, kubelet, type Pod, runPod, scopeOf } from '../logind.ts'
import { bootDone } from '../power.ts'
import type { Scenario } from '../scenario.ts'

/** s: live evidence may take 30 % of it, which emulation needs. */
const DEADLINE = 120
/** s that logind waits for kubelet at most. */
const DELAY = 40
/** s that the pod would take to stop: more than its grace. */
const CLEAN = 60

const POD: Pod = {
  uid: '2b6f0cc9-04d1-4d3b-9f05-1b0e9d3f2a11',
  pod: 'shop-7d4b9c6f5d-x2x9k',
  namespace: 'store-front',
  container: 'shop',
  id: 'c0ffee'.padEnd(64, '0123456789abcdef'),
}

/** On a Kubernetes node kubelet ends the pods before systemd stops anything: where they stood is in the bundle all the same. */
export const scenario: Scenario = {
  name: 'logind-inhibitor',
  suites: SUITES,
  turns: ['trixie', 'rest'],
  minutes: 2,
  async run({ boot, bucket, operator, scratch, step }, signal) {
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]`
    await using machine = await boot({ settings, files: { ...inhibitDelay(DELAY), ...kubelet() }, deadline: DEADLINE })
    await bootDone(machine, signal)
    await runPod(machine, POD, `/usr/lib/vm/lingerer shop ${CLEAN}`, signal)
    await machine.console.waitFor(/kubelet listens/, signal)
    await machine.ok('until systemd-inhibit --list | grep -q kubelet; do sleep 0.5; done', signal)
    step('kubelet listens')
    await machine.sh('systemctl poweroff', signal)
    const [, killed] = await machine.console.waitFor(/kubelet ends [1-9]\d* processes at ([0-9.]+)/, signal)
    const [, done] = await machine.console.waitFor(/kubelet is done at ([0-9.]+)/, signal)
    step((await machine.console.waitFor(/lastgasp: .*/, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')

    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    const { manifest } = bundle
    checkReceipts(bundle)
    equal(manifest.shutdown?.kind, 'poweroff', 'systemd was asked when it had begun')
    const [started, ended] = [manifest.started, manifest.ended].map((at) => Date.parse(at) / 1000)
    const [after, before] = [(started ?? 0) - Number(killed), Number(done) - (started ?? 0)].map((s) => s.toFixed(1))
    step(`the capture began ${after} s after kubelet did, ${before} s before it was done`)
    ok((started ?? Infinity) < Number(done), 'the capture began while the pod was being ended')
    ok((ended ?? 0) > Number(done), 'it was open until systemd had begun')

    const [stacks] = receiptsOf(bundle, 'stacks')
    step(`stacks: ${stacks?.status} in ${stacks?.ms} ms, ${stacks?.reason ?? ''}`)
    const { directory, shown } = await fetchEvidence(operator, bucket, join(scratch, 'fetched'), signal)
    // By the second look it may be gone.
    const table = await readFile(join(directory, 'stacks/threads.tsv'), 'utf8')
    match(table, new RegExp(`\t${POD.id}\t${POD.pod}\t${POD.namespace}\tlingerer\t`))
    for (const line of shown.split('\n').filter((line) => line.includes('stacks.tar'))) step(line.trim())
    const cores = await readdir(join(directory, 'stacks', scopeOf(POD)))
    match(cores.join(' '), /lingerer.*\.core/)
    step("the pod's stacks are there")
  },
}
