"""A csgpu of one's own with a small cloud in it: what the demo and the tests of real clients have in common.

Nothing but Python's standard library. `Service` starts and stops the program, `Client` signs and calls, `build_cloud`
makes what an instance needs: zone, hosts, storage, network, template, offerings. All of it may be run again.
"""

import base64
import ctypes
import hashlib
import hmac
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import SimpleNamespace

SIMULATED = ["http://sim/nvidia-01", "http://sim/amd-01"]

PR_SET_PDEATHSIG = 1


class Refused(Exception):
    """The service answered with an error."""

    def __init__(self, command, code, text):
        super().__init__(f"{command}: {code} {text}")
        self.code, self.text = code, text


class Service:
    """One running `csgpu serve` with its private database.

    It ends with the process that started it, however that ends, and inherits `keep`, files that are locked until then.
    `told` hears what it says, once: it may say the keys and then not become ready.
    """

    def __init__(self, program, data, port=0, keep=(), told=lambda words: None):
        self.data = Path(data).resolve()
        self.data.mkdir(parents=True, exist_ok=True)
        self.log = self.data / "csgpu.log"
        self.told = {}
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CSGPU_")}
        environment.update(
            CSGPU_CONFIG="/dev/null",
            CSGPU_DATA=str(self.data),
            CSGPU_LISTEN=f"127.0.0.1:{port}",
            CSGPU_HOSTS_TEST_DIRECTORY=str(self.data / "hosts"),
        )
        (self.data / "hosts").mkdir(exist_ok=True)
        begun = time.monotonic()
        with open(self.log, "a") as log:
            logged = log.tell()
            self.process = subprocess.Popen(
                [str(program), "serve"], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                text=True, pass_fds=[file.fileno() for file in keep], preexec_fn=apart)
        try:
            self.listen()
        except BaseException:
            self.stop()
            raise
        finally:
            told(self.told)
        if "ready:" not in self.told:
            self.process.wait()
            said = self.log.read_text()[logged:].strip().splitlines() or ["it said nothing"]
            raise SystemExit(f"csgpu did not start: {said[-1]}\nits log: {self.log}")
        self.url = self.told["ready:"]
        self.seconds = time.monotonic() - begun

    def listen(self):
        """Reads what it says until it is ready or ends."""
        for line in self.process.stdout:
            for word in ("user", "password", "api key", "secret key", "ready:"):
                if line.strip().startswith(word + " "):
                    self.told[word] = line.strip()[len(word):].strip()
            if "ready:" in self.told:
                return

    def wait(self):
        """Until it ends by itself."""
        return self.process.wait()

    def stop(self):
        """Asks it to stop, and waits until it has; asked again by Ctrl-C, it does not wait for what is under way."""
        while self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait()
            except KeyboardInterrupt:
                continue
        return self.process.returncode


def apart():
    """Run in a new process: Ctrl-C reaches it through the one that started it, and it ends when that one is no more."""
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Client:
    """Signs requests as CloudStack's clients do."""

    def __init__(self, url, key, secret):
        self.url, self.key, self.secret = url, key, secret

    def call(self, command, **params):
        """The answer inside its envelope."""
        params = {"command": command, "response": "json", "apiKey": self.key, **params}
        quoted = {k: urllib.parse.quote(str(v), safe="") for k, v in params.items()}
        query = "&".join(f"{k}={v}" for k, v in sorted(quoted.items(), key=lambda pair: pair[0].lower()))
        digest = hmac.new(self.secret.encode(), query.lower().encode(), hashlib.sha1).digest()
        signature = urllib.parse.quote(base64.b64encode(digest).decode(), safe="")
        try:
            with urllib.request.urlopen(f"{self.url}?{query}&signature={signature}", timeout=30) as answer:
                body = json.load(answer)
        except urllib.error.HTTPError as error:
            inner = next(iter(json.load(error).values()))
            raise Refused(command, inner.get("errorcode"), inner.get("errortext")) from None
        return next(iter(body.values()))

    def job(self, command, **params):
        """Calls, waits for the job if there is one, and returns its result."""
        started = self.call(command, **params)
        if "jobid" not in started:
            return started
        while True:
            job = self.call("queryAsyncJobResult", jobid=started["jobid"])
            if job["jobstatus"] == 1:
                return job["jobresult"]
            if job["jobstatus"] == 2:
                raise Refused(command, job["jobresult"].get("errorcode"), job["jobresult"].get("errortext"))
            time.sleep(0.05)


def rows(answer):
    """The rows of a list answer: its one key that is not the count."""
    return next((value for key, value in answer.items() if key != "count"), [])


def tiny_image(images):
    """A qcow2 of 64 MiB without anything in it, where the service may read templates from; its file URL."""
    file = Path(images).resolve() / "tiny.qcow2"
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(file), "64M"], check=True)
    return file.as_uri()


def until(what, check, seconds=60):
    """Waits for something to become true; what it became."""
    end = time.monotonic() + seconds
    while not (found := check()):
        if time.monotonic() > end:
            raise SystemExit(f"waited {seconds} s in vain: {what}")
        time.sleep(0.1)
    return found


def build_cloud(api, data, hypervisor="Simulator", hosts=tuple(SIMULATED), login=("root", "simulated")):
    """Makes what an instance needs, or finds it; `api(command, **params)` calls and waits. Returns what it made."""

    def ensure(lister, wanted, maker, /, **params):
        scope = {"templatefilter": "self"} if lister == "listTemplates" else {"listall": "true"}
        found = [row for row in rows(api(lister, **scope)) if row["name"] == wanted]
        if found:
            return found[0]
        made = next(iter(value for k, value in api(maker, **params).items() if k != "count"))
        return made[0] if isinstance(made, list) else made

    zone = ensure("listZones", "demo", "createZone", name="demo", networktype="Advanced", dns1="9.9.9.9",
                  internaldns1="9.9.9.9", localstorageenabled="true")
    pod = ensure("listPods", "rack-1", "createPod", name="rack-1", zoneid=zone["id"], startip="10.0.0.10",
                 endip="10.0.0.99", netmask="255.255.255.0", gateway="10.0.0.1")
    cluster = ensure("listClusters", "gpus", "addCluster", clustername="gpus", clustertype="CloudManaged",
                     hypervisor=hypervisor, zoneid=zone["id"], podid=pod["id"])
    known = rows(api("listHosts", type="Routing"))
    for url in hosts:
        if not any(url in (host["details"]["url"], f"http://sim/{host['name']}") for host in known):
            api("addHost", url=url, hypervisor=hypervisor, zoneid=zone["id"], podid=pod["id"],
                clusterid=cluster["id"], username=login[0], password=login[1])
    made = SimpleNamespace(zone=zone, pod=pod, cluster=cluster)
    made.hosts = sorted(rows(api("listHosts", type="Routing")), key=lambda host: host["name"])
    for host in made.hosts:
        ensure("listStoragePools", f"{host['name']}-disks", "createStoragePool", name=f"{host['name']}-disks",
               url="file:///var/lib/libvirt/images", scope="host", hostid=host["id"], zoneid=zone["id"],
               podid=pod["id"], clusterid=cluster["id"])
    image = tiny_image(Path(data) / "images")
    ensure("listImageStores", "images", "addImageStore", name="images", provider="Local")
    made.network = ensure("listNetworks", "demo-net", "createNetwork", name="demo-net", zoneid=zone["id"],
                          networkofferingid=rows(api("listNetworkOfferings", guestiptype="Isolated"))[0]["id"])
    made.template = ensure("listTemplates", f"tiny-{hypervisor}", "registerTemplate", name=f"tiny-{hypervisor}",
                           displaytext="64 MiB of nothing", format="QCOW2", hypervisor=hypervisor, url=image,
                           zoneid=zone["id"])

    def ready():
        found = rows(api("listTemplates", templatefilter="self", id=made.template["id"]))
        return found and found[0] if found and found[0].get("isready") else None

    made.template = until(f"template {made.template['name']} is ready", ready)
    made.offering = ensure("listServiceOfferings", "demo-2x1", "createServiceOffering", name="demo-2x1",
                           displaytext="2 CPUs, 1 GiB", cpunumber="2", cpuspeed="1000", memory="1024")
    return made


def gpu_cards(devices):
    """The cards of which some host has two free devices, those with the most first: (id, name, how many)."""
    places = {}
    for device in devices:
        if device["state"] == "Free" and not device.get("parentgpudeviceid"):
            card = (device["gpucardid"], device["gpucardname"])
            by_host = places.setdefault(card, {})
            by_host[device["hostid"]] = by_host.get(device["hostid"], 0) + 1
    usable = [(card, max(by_host.values())) for card, by_host in places.items() if max(by_host.values()) >= 2]
    return [(*card, count) for card, count in sorted(usable, key=lambda pair: (-pair[1], pair[0][1]))]
