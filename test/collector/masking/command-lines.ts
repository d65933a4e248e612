/** Where secrets stand in command lines: one line each, words parted by blanks, `<…>` one word, `{}` the secret. */
export const PLANTED = `
app --key {}
app --key={}
app -key {}
app --otp {}
app --otp={}
app --totp {}
app --seed {}
app --seed={}
app --seed-phrase <{} two three>
app --license-key {}
app --license-key={}
app --licence-key {}
app --licenseKey={}
app --product-key {}
app --activation-code {}
app --mfa-code {}
app --recovery-code={}
app --client-key {}
app --private-key {}
app --encryption-key={}
app --hmac-key {}
app --deploy-key {}
app --pat {}
app --passkey {}
app --pwd {}
app --db-pwd={}
app --credential {}
app --credentials={}
app --client-secret {}
app --storepass {} --keypass {}
keytool -list -storepass {} -keypass {} -keystore /etc/app.jks
jarsigner -storepass {} app.jar
app --mysqlpass {}
app --bindpw {}
app --token-code {}
KEY={} app
env OTP={} SEED={} LICENSE_KEY={} app
env SECRET={} app --verbose
env -i AWS_SESSION_TOKEN={} app
kubectl create secret generic db --from-literal=user={}
kubectl create secret generic db --from-literal user={}
kubectl create secret generic db --from-literal=password={} --from-literal=user={}
sh -c <kubectl create secret generic db --from-literal=a={}>
oc create secret generic x --from-literal k={} -n shop
kubectl create secret docker-registry r --docker-password={}
kubectl config set-credentials bob --token={}
helm install x chart --set auth.rootPassword={}
helm install x chart --set a=b,db.password={}
helm install x chart --set-string <apiKey={}>
helm registry login -u bob -p {} registry.test
mysql -p{}
mysql -u bob -p{} shop
mariadb-dump -p{} shop
sh -c <mysqldump -u root -p{} shop | gzip>
mongo -u bob mysql -p {}
mongosh --password {}
mongo -u bob redis-cli -p {}
sshpass -p {} ssh -o StrictHostKeyChecking=no host
sshpass -p{} scp a b:
ssh <-oProxyCommand=sshpass -p {} ssh -W %h:%p jump> host
redis-cli -a {}
valkey-cli -a {} ping
redis-cli -u redis://:{}@cache:6379/0
redis-cli --pass {}
ldapsearch -x -D cn=admin -w {} -b dc=x
ldapsearch -xw {}
ldapmodify -w{}
curl -u bob:{} https://h/
curl -sSu bob:{} https://h/
curl --proxy-user bob:{} https://h/
curl -U bob:{} https://h/
curl --cert client.pem:{} https://h/
curl --oauth2-bearer {} https://h/
curl -H <Authorization: Bearer {}> https://h/
curl -H <Authorization: Basic {}> https://h/
curl -H <Authorization:Bearer {}> https://h/
curl -H <Proxy-Authorization: Basic {}> https://h/
curl -H <X-Vault-Token: {}> https://h/
curl -H <PRIVATE-TOKEN: {}> https://h/
curl -H <Ocp-Apim-Subscription-Key: {}> https://h/
curl --header=X-Auth-Key:{} https://h/
sh -c <curl -H 'Authorization: Bearer {}' https://h/>
sh -c <curl -H Authorization:Bearer {} https://h/>
curl -d <{"otp_token":"{}"}> https://h/
curl -d <{"outer":"{\\"password\\":\\"{}\\"}"}> https://h/
curl -d <{"key":"{\\"password\\":\\"{}\\"}"}> https://h/
curl --data-urlencode password={} https://h/
curl https://h/x?api_key={}&v=1
curl https://h/x?v=1&access_token={}
curl ftp://bob:{}@h/file
wget --password={} https://h/
wget --http-password={} --ftp-password={} https://h/
wget <--header=Authorization: Bearer {}> https://h/
http -a bob:{} https://h/
xh -a bob:{} https://h/
smbclient //h/share {}
smbclient -U bob%{} //h/share
smbclient //h/share -U bob%{}
curl -H <X-Auth: {}> https://h/
npm config set _authToken {}
sh -c <app '--password' '{}' "--key" {}>
smbclient -U <dom\\bob%{}> //h/share
mount -t cifs //h/s /mnt -o username=bob,password={}
mount -t cifs //h/s /mnt -o user=bob,pass={},vers=3
htpasswd -b /etc/p bob {}
htpasswd -nb bob {}
htpasswd -bc /etc/p bob {}
openssl enc -aes256 -pass pass:{}
openssl rsa -passin pass:{} -in k.pem
openssl req -passout pass:{}
openssl enc -aes256 -k {} -in x
openssl dgst -sha256 -hmac {} file
openssl mac -macopt hexkey:{} HMAC
openssl passwd -6 {}
sqlcmd -S h -U sa -P {}
bcp t in f -U sa -P{}
sqlplus scott/{}@orcl
isql dsn bob {}
docker login -u bob -p {} registry.test
docker login --username bob --password {}
podman login -p {} registry.test
docker run -e DB_PASSWORD={} -e X=1 image
docker run --env POSTGRES_PASSWORD={} image
docker build --build-arg NPM_TOKEN={} .
az login --service-principal -u app -p {}
az keyvault secret set --name x --value {}
aws ssm put-parameter --name x --type SecureString --value {}
aws secretsmanager create-secret --name x --secret-string {}
gh secret set NAME --body {}
gh secret set NAME -b{}
vault login {}
vault kv put secret/app user={}
vault operator unseal {}
heroku config:set A={}
fly secrets set A={}
rabbitmqctl add_user bob {}
mosquitto_pub -h h -u bob -P {} -t x -m y
ipmitool -H h -U root -P {} power status
ipmitool user set password 2 {}
snmpwalk -v2c -c {} h
cqlsh -u bob -p {} h
nsupdate -y hmac-sha256:name:{}
java -Dpassword={} -jar app.jar
java -Ddb.secret.key={} -jar app.jar
java -Djavax.net.ssl.keyStorePassword={} Main
mvn deploy -Dgpg.passphrase={}
gradle -PmavenPassword={}
ansible-playbook -e ansible_become_pass={} site.yml
ansible-playbook -e <ansible_become_pass={} x=1> site.yml
psql <host=db user=bob password={}>
psql <host=db password='{}' dbname=x>
app <Server=db;User Id=sa;Password={};Encrypt=true>
app <DefaultEndpointsProtocol=https;AccountName=x;AccountKey={};EndpointSuffix=test>
app <Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey={}>
app postgres://bob:{}@db/shop
app amqp://bob:{}@mq:5672/%2f
app <--url=https://bob:{}@h/?a=b>
app mongodb+srv://bob:{}@c.test/?w=1
rsync rsync://bob:{}@h/m /x
git -c <http.extraHeader=Authorization: Basic {}> fetch
git clone https://bob:{}@git.test/x.git
mc alias set s3 https://s3.test access {}
npm publish --otp={}
npm config set //registry.test/:_authToken={}
svn co --username bob --password {} https://h/
7z a -p{} x.7z dir
unzip -P {} x.zip
rar a -hp{} x.rar dir
useradd -p {} bob
wpa_passphrase home {}
nmcli dev wifi connect home password {}
xfreerdp /u:bob /p:{} /v:h
plink -pw {} bob@h
ldappasswd -x -D cn=admin -w {} -s {} cn=bob
ssh-keygen -t ed25519 -N {} -f /x/key
cypher-shell -u neo4j -p {}
iscsiadm -m node -o update -n node.session.auth.password -v {}
mosquitto_passwd -b /etc/m bob {}
doveadm auth test bob {}
ipa-client-install -p admin -w {} -U
ncat --proxy-auth bob:{} h 80
virsh secret-set-value 1234-uuid {}
kadmin -p admin -w {} -q listprincs
sh -c <echo bob:{} | chpasswd>
sh -c <echo '{}' | docker login -u bob --password-stdin>
sh -c <printf %s {} | sudo -S true>
sh -c <export API_TOKEN={}; app>
sh -c <PGPASSWORD={} psql -c 'select 1'>
bash -lc <cd /srv && SECRET_KEY={} ./run>
python3 -c <requests.get(u, auth=("bob", "x"), headers={"X-Api-Key": "{}"})>
node -e <const apiKey = "{}"; run(1)>
app --config <{"db": {"password": "{}", "port": 1}}>
app --opts <{db_password: {}, port: 1}>
qemu-system-x86_64 -object secret,id=s0,data={}
grafana-cli admin reset-admin-password {}
tailscale up --authkey={}
kubeadm join h:6443 --token {} --certificate-key {}
restic -r s3:x --password-command <pass show x> --token {}
`

/** Command lines without a secret, in the same writing: what is shown is what was there. */
export const HARMLESS = `
cassandra-stress --keyspace shop
app --key-file /etc/app/key --keyfile x.key --keyring /etc/k.gpg
app --sort-key name --sort-key=created
app --primary-key id
app --primary-key=order_id --foreign-key customer
app --public-key age1invented --partition-key user_id --cache-key build-7
app --seed-nodes 10.0.0.1:7000,10.0.0.2:7000
app --seeds db1,db2 --seed 42 --seed=10.0.0.1:7946
app --seed node1.example.test:7000
sort --key=2,2 --key 3n,3 file
sort -k 2 file
app --key id --key name
app --key /etc/ssl/private/app.key --cert /etc/ssl/app.pem
curl --key client.key --cert client.pem https://h/
app --tls-key=./certs/server.pem --client-key ~/.kube/client.key
ansible all --private-key ~/.ssh/id_ed25519 -m ping
aws s3api get-object --bucket b --key photos/2026/x.jpg out.jpg
aws kms encrypt --key-id alias/app --plaintext fileb://x
aws ec2 run-instances --key-name ops
gpg --keyserver keys.test --recv-keys 0x1234ABCD
etcd --key-file=/etc/etcd/k.pem --trusted-ca-file /etc/ca.pem
app -p 8080
nc -l -p 9000
ssh -p 2222 -i key.pem bob@h
docker run -p 8080:80 -p 127.0.0.1:53:53/udp image
nginx -p /srv/nginx -c nginx.conf
mkdir -p /srv/app/data
cp -p a b
redis-cli -p 6379 ping
redis-server *:6379
mysql --protocol=tcp -P 3306 -h db shop
psql -U bob -p 5432 -h db shop
pg_dump -Fc -U bob shop
mongod --port 27017 --keyFile /etc/mongo.key
sqlcmd -S h -E -i run.sql
ldapsearch -x -H ldap://h -D cn=admin -b dc=x -y /etc/ldap.pass
rsync --password-file=/etc/rsync.pass -a x rsync://bob@h/m
app --password-file /etc/app/password --passphrase-fd 3
openssl rsa -passin file:/etc/pass -in k.pem
openssl rsa -passin env:KEYPASS -passout stdin
keytool -list -storepass:file /etc/pass -alias x
kubectl create configmap x --from-literal=colour=blue
kubectl create secret generic x --from-file=a.txt -n shop
kubectl get secrets -A
kubectl create token bob
docker login --username bob --password-stdin registry.test
docker run --pids-limit 100 --pid host image
docker secret ls
podman run --secret-dir /x image
helm upgrade x chart --set replicas=3,image.tag=1.2
vault kv get secret/app
vault token renew
vault operator key-status
java -Xmx4g -XX:+UseG1GC -Dfile.encoding=UTF-8 -cp a:b Main
java -Dtoken.ttl=5m -Djava.security.egd=file:/dev/urandom Main
llm --max-tokens 4096 --num-tokens 12 --tokenizer bert --top-k 5
app --token-file /run/token --token-ttl=5m --token-type jwt
app --no-password --ask-pass
ansible-playbook --ask-become-pass site.yml
app --secret-name db --secret-type opaque --secret-namespace shop
app --cookie-jar jar.txt --cookie-name sid
app --pin-memory --pinned yes --pinning on --spin 4
app --compass north --bypass all --passive --passes 3 --multipass on
app --license MIT --license-file LICENSE --accept-license yes
npm init --license Apache-2.0
erl -otp_release 26
app --otp-version 26 --otp-length 6
app --monkey 5 --turkey yes --hotkey ctrl-a --keyboard de --keymap us
app --author bob --authority x --authentication-mode none --auth false
cryptsetup open --key-file /etc/k /dev/sda1 x
git log --author bob --grep token
git commit -m <rotate the password of the shop>
grep -R secret /etc/app
curl -H <Accept: application/json> -H <Content-Type: text/plain> https://h/
curl -sSLo x https://h:8443/a@b
curl https://h/x?page=2&sort=key&key=name
sed -i s/password/secret/ file
sh -c <for k in a b; do echo $k | wc -l; done>
sh -c <cd /srv/app && exec ./run --port 80>
python3 -m http.server 8000 --bind 127.0.0.1
node --max-old-space-size=4096 server.js --port=80
systemd-run --unit x -p MemoryMax=1G sleep 5
qemu-system-x86_64 -m 2G -drive file=x.img,if=virtio -vnc :0,password=off
/usr/sbin/sshd -D [listener] 0 of 10-100 startups
postgres: walwriter
nginx: master process /usr/sbin/nginx -g daemon on;
php-fpm: pool www
sshd: bob@pts/0
[kworker/0:1-events]
/usr/lib/jvm/bin/java -Dkey.size=2048 -Dcache.key.prefix=app
find /var -name *.key -newer x -print
tar --exclude=.git -czf x.tgz dir
git clone https://git.test/x.git
git clone git@git.test:x/y.git
ssh-keygen -t ed25519 -f /x/key -C bob@h
wg set wg0 private-key /etc/wg.key peer x
ssh-keygen -p -f /x/key
iscsiadm -m node -o update -n node.startup -v automatic
ldapsearch -s sub -a never -b dc=x
doveadm mailbox list -u bob
ipa-client-install -p admin -U
ipmitool -H h -I lanplus power status
http https://h/ name=bob page==2
xfreerdp /u:bob /v:h /size:1024x768
smbclient -N //h/share -c ls
7z x archive.7z
zip -r x.zip dir
useradd -m -s /bin/bash bob
`
