import t from 'tap'
import { maskArguments, maskText } from '../../../agent/collector/masking/mask.ts'

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
  ['curl -HAuthorization: ***', 'curl', `-HAuthorization: Basic ${WORD}`],
  ['curl -HX-Api-Key:***', 'curl', `-HX-Api-Key:${WORD}`],
  ['wget --header=Cookie: ***', 'wget', `--header=Cookie: session=${WORD}`],
  ['curl -b sid=***', 'curl', '-b', `sid=${WORD}`],
  ['sh -c curl -H"Authorization: *** http://h/', 'sh', '-c', `curl -H"Authorization: Basic ${WORD}" http://h/`],
  ['java -Dpass=***', 'java', `-Dpass=${WORD} with blanks`],
  ['app spring.password=***', 'app', `spring.password=${WORD} with blanks`],
  ['node -e const password = "***"', 'node', '-e', `const password = "${WORD}"`],
  ['node -e let apiKey=*** n = 1', 'node', '-e', `let apiKey='${WORD}', n = 1`],
  ['python3 -c if x.token == "***": run()', 'python3', '-c', `if x.token == "${WORD}": run()`],
  ['app PASSWORD = ***', 'app', `PASSWORD = ${WORD} x`],
  ['app PASSWORD = *** x', 'app', 'PASSWORD', '=', WORD, 'x'],
  ["app {'user': 'bob', 'password': '***'}", 'app', `{'user': 'bob', 'password': '${WORD}'}`],
  ['app {"password":"***","a":1}', 'app', `{"password":"a\\"${WORD}","a":1}`],
  ['app {"pin": ***, "n": 5}', 'app', '{"pin": 4711, "n": 5}'],
  [
    'ansible --extra-vars {ansible_become_password: ***}',
    'ansible',
    '--extra-vars',
    `{ansible_become_password: ${WORD}}`,
  ],
  ['ansible -e {ansible_become_password: *** a: 1}', 'ansible', '-e', '{ansible_become_password:', `${WORD}`, 'a: 1}'],
  ["app {a: 1, token: '***', b: 2}", 'app', `{a: 1, token: '${WORD}', b: 2}`],
  ['smbclient -U dom/user%***', 'smbclient', '-U', `dom/user%${WORD}`],
  ['smbclient -U dom\\user%***', 'smbclient', '-U', `dom\\user%${WORD}`],
  ['http --auth bob:***', 'http', '--auth', `bob:${WORD}`],
  ['http --auth=bob:***', 'http', `--auth=bob:${WORD}`],
  ['app --auth=***', 'app', `--auth=${WORD}${WORD}`],
  ['app --dsn=u:***@tcp(h)/db', 'app', `--dsn=u:${WORD}/@@tcp(h)/db`],
  ['lftp -u bob,*** h', 'lftp', '-u', `bob,${WORD}`, 'h'],
  ['nmcli dev wifi connect home password ***', 'nmcli', 'dev', 'wifi', 'connect', 'home', 'password', WORD],
  ['nmcli c modify home wifi-sec.psk ***', 'nmcli', 'c', 'modify', 'home', 'wifi-sec.psk', WORD],
  ['aws configure set aws_secret_access_key ***', 'aws', 'configure', 'set', 'aws_secret_access_key', WORD],
  ['psql -c ALTER ROLE bob PASSWORD ***', 'psql', '-c', `ALTER ROLE bob PASSWORD '${WORD}'`],
  ['docker login -u b -p ***', 'docker', 'login', '-u', 'b', '-p', WORD],
  ['mongo -u b -p ***', 'mongo', '-u', 'b', '-p', WORD],
  ['mongodump -p***', 'mongodump', `-p${WORD}`],
  ['redis-cli -a*** ping', 'redis-cli', `-a${WORD}`, 'ping'],
  ['openssl enc -k *** -in x', 'openssl', 'enc', '-k', WORD, '-in', 'x'],
  ['openssl passwd -6 ***', 'openssl', 'passwd', '-6', WORD],
  ['htpasswd -b f bob ***', 'htpasswd', '-b', 'f', 'bob', WORD],
  ['htpasswd -nbB bob ***', 'htpasswd', '-nbB', 'bob', WORD],
  ['snmpget -v2c -c *** h', 'snmpget', '-v2c', '-c', WORD, 'h'],
  ['snmpwalk -A *** -X *** -c*** h', 'snmpwalk', '-A', WORD, '-X', WORD, `-c${WORD}`, 'h'],
  ['useradd -m -p *** bob', 'useradd', '-m', '-p', `$6$${WORD}`, 'bob'],
  ['xfreerdp /u:bob /p:*** /v:h', 'xfreerdp', '/u:bob', `/p:${WORD}`, '/v:h'],
  ['setup /password:*** /quiet', 'setup', `/password:${WORD}`, '/quiet'],
  ['sqlplus -s scott/***@db @run.sql', 'sqlplus', '-s', `scott/${WORD}@db`, '@run.sql'],
  ['pkcs11-tool --login --pin *** --so-pin=***', 'pkcs11-tool', '--login', '--pin', '4711', '--so-pin=4711'],
  ['sh -c htpasswd -b f bob *** ; ls /etc', 'sh', '-c', `htpasswd -b f bob ${WORD} ; ls /etc`],
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
    ['docker', 'run', '-p', '80:80', 'registry.test/app:1.2@sha256:0123', 'login', '--name', 'x'],
    ['agetty', '-o', '-p -- \\u', '--noclear', 'tty1'],
    ['kubectl', 'get', 'secret', 'app-tls', '-n', 'shop'],
    ['vault', 'token', 'lookup'],
    ['git', 'credential', 'fill'],
    ['systemd-ask-password', '--timeout=5', 'Passphrase'],
    ['mysqladmin', 'password', '--help'],
    ['grep', '-r', 'password', '/etc/app'],
    ['kubectl', 'apply', '-f', 'secret.yaml', 'db-password.txt', 'x'],
    ['ps', '-u', 'root,bob', '-o', 'pid,user'],
    ['lftp', '-u', 'bob', 'h'],
    ['curl', '-b', 'cookies.txt', '--load-cookies', 'x.txt', '-HAccept: text/html', '--header=Host: h'],
    ['openssl', 'x509', '-in', 'a.pem', '-text'],
    ['htpasswd', '-c', 'f', 'bob'],
    ['sqlplus', '/', 'as', 'sysdba', '@/opt/run.sql'],
    ['sqlplus', '/nolog'],
    ['useradd', '-m', '-s', '/bin/bash', 'bob'],
    ['sh', '-c', 'htpasswd -b f; ls a b c d'],
    ['sh', '-c', 'for (i = 0; i < 3; i++) { name = "x" }'],
    ['app', '{"user": "bob", "n": 5, "a": [1, 2]}', '{a: 1, b: {c: "d"}}', 'x == y', 'a := b'],
    ['app', '--gpio-pin', '4', '--pin-memory', 'true', '--auth', 'none', '/dev:x', '--user=bob', 'mailto:bob@x.test'],
    ['sshd: bob [priv]'],
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

t.test('a message that speaks of secrets keeps its words', async (t) => {
  for (const line of [
    'systemd[1]: Started systemd-ask-password-wall.path - Forward Password Requests to Wall Directory Watch.',
    'app[7]: the password expired, no token for bob',
    'usb 1-1: New USB device found, idVendor=1d6b, idProduct=0002, bcdDevice= 6.01',
  ])
    t.equal(maskText(line), line)
})

t.test('command lines that the kernel audits are hidden: one is in hex', async (t) => {
  const audit = 'audit: type=1309 audit(1764500000.123:45): argc=3 a0="mysql" a1="-pinvented" a2="shop"'
  t.equal(maskText(audit), 'audit: type=1309 audit(1764500000.123:45): argc=3 a0="mysql" a1=*** a2=***')
  t.equal(
    maskText('audit: type=1327 audit(1764500000.123:45): proctitle=6D7973716C002D70'),
    'audit: type=1327 audit(1764500000.123:45): proctitle=***',
  )
})

t.test('what is no secret hides none that stands in it', async (t) => {
  t.equal(maskArguments(['{"a":"{\\"password\\":\\"invented\\"}"}'])[0], '{"a":"{\\"password\\":\\"***\\"}"}')
  t.strictSame(maskArguments(['bash', '-u', 'mysql -pinvented']), ['bash', '-u', 'mysql -p***'])
  t.equal(maskArguments(['--run=mysql -pinvented shop'])[0], '--run=mysql -p*** shop')
})
