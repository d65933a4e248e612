import t from 'tap'
import { maskArguments, maskText } from '../../../../agent/collector/sources/facts/mask.ts'

const WORD = 'correct-horse-7'

/** What is shown, and the arguments. */
const secrets: readonly (readonly [string, ...string[]])[] = [
  ['app --password=***', `app`, `--password=${WORD}`],
  ['app --password *** --listen :80', 'app', '--password', WORD, '--listen', ':80'],
  ['app --password *** rest', 'app', '--password', `${WORD} with blanks`, 'rest'],
  ['app --password=***', 'app', `--password=two words ${WORD}`],
  ['app -password *** x', 'app', '-password', WORD, 'x'],
  ['app --token ***', 'app', '--token', `-${WORD}`],
  ['app --api-key *** --verbose', 'app', '--api-key', WORD, '--verbose'],
  ['app --dbPassword=***', 'app', `--dbPassword=${WORD}`],
  ['app --aws-secret-access-key ***', 'app', '--aws-secret-access-key', WORD],
  ['app --secret-id=***', 'app', `--secret-id=${WORD}`],
  ['java -Dspring.datasource.password=***', 'java', `-Dspring.datasource.password=${WORD}`],
  ['env PGPASSWORD=*** psql', 'env', `PGPASSWORD=${WORD} and more`, 'psql'],
  ['docker run -e MYSQL_ROOT_PASSWORD=*** mysql:8', 'docker', 'run', '-e', `MYSQL_ROOT_PASSWORD=${WORD}`, 'mysql:8'],
  ['docker run --env=DB_TOKEN=***', 'docker', 'run', `--env=DB_TOKEN=${WORD}`],
  ['mysql -uroot -p*** shop', 'mysql', '-uroot', `-p${WORD}`, 'shop'],
  ['/usr/bin/mysqldump -p***', '/usr/bin/mysqldump', '-pcorrecthorse'],
  ['client -p***', 'client', `-p${WORD}`],
  ['sshpass -p *** ssh host', 'sshpass', '-p', WORD, 'ssh', 'host'],
  ['redis-server --requirepass ***', 'redis-server', '--requirepass', WORD],
  ['redis-cli -a *** ping', 'redis-cli', '-a', WORD, 'ping'],
  ['curl -u bob:*** http://h/', 'curl', '-u', `bob:${WORD} x`, 'http://h/'],
  ['fetch -u http://bob:***@h/', 'fetch', '-u', `http://bob:${WORD}@h/`],
  ['curl --user=bob:***', 'curl', `--user=bob:${WORD}`],
  ['curl -ubob:***', 'curl', `-ubob:${WORD}`],
  ['smbclient -U bob%***', 'smbclient', '-U', `bob%${WORD}`],
  ['curl -H Authorization: ***', 'curl', '-H', `Authorization: Bearer ${WORD}`],
  ['curl -H X-Api-Key: ***', 'curl', '-H', `X-Api-Key: ${WORD}`],
  ['curl -H X-Auth-Token:***', 'curl', '-H', `X-Auth-Token:${WORD}`],
  ['curl -H Cookie: ***', 'curl', '-H', `Cookie: a=b; sid=${WORD}`],
  ['app Bearer ***', 'app', 'Bearer', WORD],
  ['psql postgres://bob:***@db/shop', 'psql', `postgres://bob:${WORD}@db/shop`],
  ['psql postgres://bob:***@db/shop', 'psql', `postgres://bob:p@ss/${WORD}@db/shop`],
  ['psql host=db password=*** dbname=shop', 'psql', `host=db password=${WORD} dbname=shop`],
  ['app Server=db;Password=***;Timeout=3', 'app', `Server=db;Password=${WORD};Timeout=3`],
  ['git clone https://***@git.test/x', 'git', 'clone', `https://${WORD}0123456789@git.test/x`],
  ['curl https://h/x?token=***&v=1', 'curl', `https://h/x?token=${WORD}&v=1`],
  ['curl https://h/x?X-Amz-Signature=***', 'curl', `https://h/x?X-Amz-Signature=${WORD}`],
  ['curl -d {"user":"bob","password":"***"}', 'curl', '-d', `{"user":"bob","password":"${WORD}"}`],
  ['openssl enc -passin ***', 'openssl', 'enc', '-passin', `pass:${WORD}`],
  ['openssl enc -in x pass:***', 'openssl', 'enc', '-in', 'x', `pass:${WORD}`],
  ['sh -c mysql -p*** -h db; ls', 'sh', '-c', `mysql -p${WORD} -h db; ls`],
  ['sh -c app --password *** -v', 'sh', '-c', `app --password 'two ${WORD}' -v`],
  ['sh -c curl -H "Authorization: ***" http://h/', 'sh', '-c', `curl -H "Authorization: Basic ${WORD}" http://h/`],
  ['sh -c TOKEN=***', 'sh', '-c', `TOKEN=${WORD} app`],
]

t.test('a secret is hidden, its surroundings are not', async (t) => {
  for (const [masked, ...args] of secrets) t.equal(maskArguments(args).join(' '), masked, args.join(' '))
})

t.test('known tokens are hidden wherever they stand', async (t) => {
  const tokens = [
    ['AKIA***', 'AKIAIOSFODNN7EXAMPLE'],
    ['***', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
    ['ghp_***', 'ghp_0123456789abcdefghijABCDEFGHIJ012345'],
    ['glpat-***', 'glpat-invented_0123456789'],
    ['xoxb-***', 'xoxb-0123456789-invented'],
    ['eyJ***', 'eyJhbGciOiJI.eyJzdWIiOiIxMjM.c2lnbmF0dXJl'],
    ['AGE-SECRET-KEY-1***', 'AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQ'],
  ]
  for (const [masked, token] of tokens) {
    t.equal(maskArguments(['app', String(token)])[1], masked)
    t.equal(maskText(`app x=${token} y`), `app x=${masked} y`)
  }
  t.equal(maskArguments(['app', `--key=${'0a'.repeat(16)}`])[1], '--key=***', 'long hex after a weak name')
})

t.test('what is no secret stays as it is', async (t) => {
  const plain: readonly (readonly string[])[] = [
    ['ssh', '-p', '22', '-p2222', 'host'],
    ['docker', 'run', '-p127.0.0.1:80:80', '-p8080:80', '-u', '1000:1000'],
    ['find', '/', '-path', '/x', '-print', '-prune'],
    ['app', '--password-file=/etc/app/secret', '--token-ttl', '5m', '--password-stdin', 'x'],
    ['app', '--tls-key=/etc/ssl/private/app.key', '--key', '/etc/ssl/app.key', '--sort-key=name'],
    ['app', '--no-password', 'x', '--auth=true', '--password='],
    ['app', '--image', 'registry.test/app@sha256:0123456789abcdef0123456789abcdef01234567'],
    ['git', 'checkout', '0123456789abcdef0123456789abcdef01234567'],
    ['python3', '-u', 'run.py', 'http://host:8080/a@b'],
    ['postgres: shop bob 10.0.0.1(4711) idle in transaction'],
    ['nginx: worker process'],
    ['/usr/lib/systemd/systemd-journald'],
    ['bash', '-c', 'echo "passing compass bypass" | sort'],
  ]
  for (const args of plain) t.strictSame(maskArguments(args), args, args.join(' '))
})

t.test('the kernel command line keeps its shape', async (t) => {
  t.equal(
    maskText(
      'BOOT_IMAGE=/vmlinuz root=UUID=12ab ro  console=ttyS0 ds=nocloud;s=http://bob:pw@h/ ipmi.password=x quiet\n',
    ),
    'BOOT_IMAGE=/vmlinuz root=UUID=12ab ro  console=ttyS0 ds=nocloud;s=http://bob:***@h/ ipmi.password=*** quiet\n',
  )
})

t.test('text made to be slow or deep is masked all the same', async (t) => {
  for (const piece of ['a=', '"', "'", '\\"', 'token=', '&a', '-p', '://a:', ';key=1']) {
    t.match(maskText(`${piece.repeat(2000)} --token 5`), / --token \*\*\*$/, piece)
  }
})
