import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { S3Key } from '../../s3-server.ts'
import { checkReceipts } from '../bucket.ts'
import { bootDone } from '../power.ts'
import { startProxy } from '../proxy.ts'
import type { Scenario } from '../scenario.ts'

/** A NoCloud seed, and of cloud-init's modules those that it needs: the others take minutes in emulation. */
const CLOUD_CFG = `datasource_list: [NoCloud]
network: {config: disabled}
cloud_init_modules: [write_files, set_hostname]
cloud_config_modules: []
cloud_final_modules: []
`
const INSTANCE = 'i-0named1late'
/** No resolver knows it: who gets there has asked the proxy. */
const STORE = 'store.invalid'
const CREDENTIALS = '/etc/lastgasp/aws'

const userData = (store: string) => `#cloud-config
write_files:
  - path: /run/lastgasp/config.d/50-cloud.toml
    content: |
      store = "${store}"
      [s3]
      endpoint = "http://${STORE}:9000"
  - path: /etc/lastgasp/environment
    owner: root:lastgasp
    permissions: "0640"
    content: |
      AWS_SHARED_CREDENTIALS_FILE=${CREDENTIALS}
      HTTP_PROXY=http://10.0.2.100:9000
`
const profile = ({ accessKeyId, secretAccessKey }: S3Key) =>
  `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`

/**
 * The daemon knows nothing when it starts. Long after, as where cloud-init is not ordered before sysinit.target, that names
 * bucket, proxy, host and instance, over an id that the image's builder left; and the key that it brings is another one by
 * the time that the host goes. The bundle arrives there under that name.
 */
export const scenario: Scenario = {
  name: 'late',
  suites: ['bookworm', 'trixie'],
  turns: ['bookworm', 'trixie'],
  async run({ boot, bucket, link, server, suite, step }, signal) {
    await using proxy = await startProxy(STORE, server.endpoint)
    link.target = proxy.port
    const seed = '/var/lib/cloud/seed/nocloud'
    const files = {
      '/etc/cloud/cloud.cfg.d/99-test.cfg': { content: CLOUD_CFG },
      '/var/lib/cloud/data/instance-id': { content: 'i-0the1builder\n' },
      [`${seed}/meta-data`]: { content: `instance-id: ${INSTANCE}\nlocal-hostname: named-late\n` },
      [`${seed}/user-data`]: { content: userData(bucket.url) },
    }
    await using machine = await boot({ files, bare: true })
    await bootDone(machine, signal)
    const log = 'journalctl -b -q -o cat -u lastgasp.service'
    match(await machine.ok(log, signal), /nothing will be captured: no store is set/)
    step('the daemon is up, and knows no bucket')
    const [first, second] = await Promise.all(
      ['FIRST', 'SECOND'].map((id) => server.makeKey(`INVENTED${id}${suite}`.toUpperCase())),
    )
    ok(first && second)
    const bring = (key: S3Key) =>
      machine.ok(
        `install -m 640 -g lastgasp <(base64 -d <<<${Buffer.from(profile(key)).toString('base64')}) ${CREDENTIALS}`,
        signal,
      )
    await bring(first)
    const ran = await machine.sh('cloud-init init --local && cloud-init init', signal)
    step(`cloud-init has run: ${ran.code}`)
    const ready = `'${INSTANCE} is ready: bundles go to ${bucket.url}'`
    await machine.ok(`until ${log} | grep -q ${ready}; do sleep 0.5; done`, signal)
    step('the daemon has noticed')
    await bring(second)
    await server.revokeKey(first.accessKeyId)
    await machine.sh('systemctl poweroff', signal)
    step((await machine.console.waitFor(/lastgasp: .* bundle of .*/i, signal))[0])
    equal(await machine.off(signal), 'guest-shutdown')
    await bucket.openForReading(signal)
    const bundle = await bucket.onlyBundle(signal)
    checkReceipts(bundle)
    const { identity, host, problems } = bundle.manifest
    deepEqual([identity, host.name], [INSTANCE, 'named-late'])
    // In emulation a quarter of a second may be too short to read settings once more: they had been noticed before.
    const other = problems.filter((problem) => !/could not be read again within/.test(problem))
    deepEqual(other, [])
    equal(new Set(proxy.asked.map(({ host }) => host)).size, 1)
    const by = (key: S3Key) => proxy.asked.filter((each) => each.key === key.accessKeyId)
    ok(
      by(first).some(({ status }) => status === 403),
      'the daemon had the first key when it was revoked',
    )
    ok(
      by(second).every(({ status }) => status < 400),
      'and went on with the second',
    )
    step(`${by(first).length} requests by the first key, ${by(second).length} by the second`)
  },
}
