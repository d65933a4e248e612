import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { named, podsOf } from '../../../agent/collector/host/pods.ts'

const [A = '', B = '', C = '', D = ''] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(64))
const never = new AbortController().signal

async function node(t: Test): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'lastgasp-test-'))
  t.teardown(() => rm(root, { recursive: true }))
  const put = async (path: string, content: object | string) => {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
  await mkdir(join(root, 'var/log/containers'), { recursive: true })
  await symlink('/nowhere', join(root, `var/log/containers/shop-1_web_shop-${A}.log`))
  const cri = (pod: string) => ({ 'io.kubernetes.cri.sandbox-name': pod, 'io.kubernetes.cri.sandbox-namespace': 'web' })
  await put(`run/containerd/io.containerd.runtime.v2.task/k8s.io/${B}/config.json`, { annotations: cri('shop-2') })
  const labels = { 'io.kubernetes.pod.name': 'shop-3', 'io.kubernetes.pod.namespace': 'web' }
  await put(`run/containers/storage/overlay-containers/${C}/userdata/config.json`, { annotations: labels })
  await put(`run/containerd/io.containerd.runtime.v2.task/k8s.io/${D}/config.json`, 'x'.repeat(2 * 1024 * 1024))
  await put(`var/lib/docker/containers/${D}/config.v2.json`, { Config: { Labels: labels } })
  return root
}

t.test('whose containers they are, by links to logs and by what runtimes keep', async (t) => {
  const root = await node(t)
  const pods = await podsOf(root, new Set([A, B, C, D, 'e'.repeat(64)]), never)
  t.same(pods.get(A), { pod: 'shop-1', namespace: 'web', containerName: 'shop' })
  t.same(
    [B, C, D].map((id) => pods.get(id)?.pod),
    ['shop-2', 'shop-3', 'shop-3'],
  )
  t.equal(pods.size, 4)
  const things = [{ container: A, pid: 1 }, { pid: 2 }, { container: 'x', pid: 3 }]
  t.same(await named(root, things, never), [
    { container: A, pid: 1, pod: 'shop-1', namespace: 'web', containerName: 'shop' },
    { pid: 2 },
    { container: 'x', pid: 3 },
  ])
})

t.test('a host that is no node, and one whose time is up, names nobody', async (t) => {
  t.equal((await podsOf('/nonexistent', new Set([A]), never)).size, 0)
  t.equal((await podsOf(await node(t), new Set([A]), AbortSignal.abort())).size, 0)
})
