"""The demo's steps; started by scripts/demo, which says what it does. Each line tells what was read back."""

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from playground import SIMULATED, Client, Refused, Service, build_cloud, gpu_cards, rows

HOME = Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "demo"
RIG = Path("integration/gpu_host")
KEYS = {"CLOUDSTACK_ENDPOINT": "ready:", "CLOUDSTACK_KEY": "api key", "CLOUDSTACK_SECRET": "secret key"}


def say(name, text):
    print(f"  {name:<22} {text}", flush=True)


def expect(holds, text):
    if not holds:
        raise SystemExit(f"demo: not as it should be: {text}")


def options():
    parser = argparse.ArgumentParser(prog="scripts/demo", add_help=False)
    parser.add_argument("program")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--real", action="store_true")
    return parser.parse_args()


def remember(told, data):
    """Keys and password are told once: written down for the next run, and as shell lines for the user."""
    kept = {}
    file = data / "env"
    if file.exists():
        kept = dict(line.removeprefix("export ").split("=", 1) for line in file.read_text().splitlines())
    for name, word in {**KEYS, "CSGPU_ADMIN_PASSWORD": "password"}.items():
        if word in told:
            kept[name] = told[word]
    for place in {file.resolve(), (HOME / "env").resolve()} if kept else ():
        place.touch(mode=0o600)
        place.chmod(0o600)
        place.write_text("".join(f"export {name}={value}\n" for name, value in kept.items()))
    return kept


def real_host(fresh):
    """Boots the GPU host, fresh or as the last run left it; where it is: its url, its login."""
    if fresh:  # also what a demo that was killed has left running
        subprocess.run([RIG / "stop", "--fast", "demo"], check=False, stderr=subprocess.DEVNULL)
    subprocess.run([RIG / "boot", *(["--fresh"] if fresh else []), "demo"], check=True, stdout=sys.stderr)
    script = f'. {RIG}/lib.sh; use_host demo; cat "$host_run/port"; cat "$host_run/root_password"'
    port, password = subprocess.run(
        ["bash", "-c", script], check=True, capture_output=True, text=True).stdout.split()
    return f"qemu+ssh://root@127.0.0.1:{port}/system", ("root", password)


def devices_of(client, **filters):
    return rows(client.call("listGpuDevices", **filters))


def place(device):
    node = device.get("numanode")
    return f"{device['busaddress']}" + (f" (NUMA node {node})" if node is not None else "")


def life(client, cloud):
    """The life of one instance with two GPUs."""
    before = gpus_used(client)
    offering = gpu_offering(client)
    vm = client.job("deployVirtualMachine", zoneid=cloud.zone["id"], serviceofferingid=cloud.offering["id"],
                    templateid=cloud.template["id"], networkids=cloud.network["id"],
                    gpuofferingid=offering["id"], displayname="demo")["virtualmachine"]
    expect(vm["state"] == "Running", f"the instance is {vm['state']}")
    say("deployVirtualMachine", f"{vm['name']}: {vm['state']} on {vm['hostname']}")
    seen = rows(client.call("listVirtualMachines", id=vm["id"]))[0]
    expect(seen["gpucount"] == 2 and seen["gpuofferingname"] == offering["name"], f"it has {seen.get('gpucount')} GPUs")
    say("listVirtualMachines", f"{seen['gpucount']} x {seen['gpucardname']}, by offering {seen['gpuofferingname']}")

    held = devices_of(client, virtualmachineid=vm["id"])
    expect(len(held) == 2 and all(d["state"] == "Allocated" for d in held), f"it holds {held}")
    expect(len({d["hostid"] for d in held}) == 1, "its GPUs are on two hosts")
    expect(len({d.get("numanode") for d in held}) == 1, "its GPUs are on two NUMA nodes")
    say("listGpuDevices", ", ".join(place(d) for d in held) + f" on {held[0]['hostname']}: Allocated")

    stopped = client.job("stopVirtualMachine", id=vm["id"], forced="true")["virtualmachine"]
    kept = devices_of(client, virtualmachineid=vm["id"])
    expect(stopped["state"] == "Stopped", f"after the stop it is {stopped['state']}")
    expect({d["id"] for d in kept} == {d["id"] for d in held}, "a stopped instance keeps its GPUs")
    say("stopVirtualMachine", f"{stopped['state']}, keeps its {len(kept)} GPUs")
    started = client.job("startVirtualMachine", id=vm["id"])["virtualmachine"]
    expect(started["state"] == "Running", f"after the start it is {started['state']}")
    say("startVirtualMachine", f"{started['state']} on {started['hostname']}")

    client.job("destroyVirtualMachine", id=vm["id"], expunge="true")
    left = rows(client.call("listVirtualMachines", id=vm["id"]))
    expect(not left, f"after the destroy there is still {left}")
    say("destroyVirtualMachine", "expunged, listed no more")
    after = [d for d in devices_of(client) if d["id"] in {d["id"] for d in held}]
    expect(len(after) == 2 and all(d["state"] == "Free" for d in after), f"its GPUs are {after}")
    expect(not any(d.get("virtualmachineid") for d in after), f"its GPUs have an owner: {after}")
    say("listGpuDevices", ", ".join(place(d) for d in after) + ": Free, proven clean")
    used = gpus_used(client)
    expect(used == before, f"GPUs in use before {before}, after {used}")
    say("listHosts", ", ".join(f"{name}: {u} of {t} GPUs used" for name, (u, t) in used.items()))
    client.call("deleteGpuOffering", id=offering["id"])


def gpus_used(client):
    return {h["name"]: (h["gpuused"], h["gputotal"]) for h in rows(client.call("listHosts", type="Routing"))}


def gpu_offering(client):
    """An offering of two GPUs of whichever card there is, in this order."""
    cards = gpu_cards(devices_of(client))
    expect(cards, "no host has two free GPUs of one card")
    words = {}
    for at, (card, _, _) in enumerate(cards):
        words |= {f"gpualternatives[{at}].gpucardid": card, f"gpualternatives[{at}].gpucount": "2"}
    for old in rows(client.call("listGpuOfferings")):
        if old["name"] == "demo-two-gpus":
            client.call("deleteGpuOffering", id=old["id"])
    made = client.call("createGpuOffering", name="demo-two-gpus", displaytext="Two GPUs", **words)["gpuoffering"]
    say("createGpuOffering", f"{made['name']}: " + ", else ".join(f"2 x {name}" for _, name, _ in cards))
    return made


def tell_cloud(client, cloud):
    say("listZones", f"{cloud.zone['name']} ({cloud.zone['networktype']})")
    for host in cloud.hosts:
        found = rows(client.job("discoverGpuDevices", id=host["id"]))
        cards = sorted({d["gpucardname"] for d in found})
        nodes = {d.get("numanode") for d in found}
        expect(host["state"] == "Up" and found, f"host {host['name']} is {host['state']} with {len(found)} GPUs")
        say("discoverGpuDevices", f"{host['name']}: {len(found)} x {', '.join(cards)} on {len(nodes)} NUMA nodes")
    say("listTemplates", f"{cloud.template['name']}: {cloud.template.get('status', 'ready')}")


def run(service, data, arguments):
    kept = remember(service.told, data)
    expect("CLOUDSTACK_KEY" in kept, f"the keys of the first run are gone from {data / 'env'}")
    client = Client(service.url, kept["CLOUDSTACK_KEY"], kept["CLOUDSTACK_SECRET"])
    print(f"csgpu is ready after {service.seconds:.2f} s, with its own MariaDB; log: {service.log}\n", flush=True)
    if arguments.real:
        url, login = real_host(fresh=not arguments.data)
        cloud = build_cloud(client.job, data, "KVM", [url], login)
    else:
        cloud = build_cloud(client.job, data, "Simulator", SIMULATED)
    tell_cloud(client, cloud)
    life(client, cloud)
    print(f"""
  API         {service.url}
  login       admin / {kept.get('CSGPU_ADMIN_PASSWORD', '(see the first run)')}
  api key     {kept['CLOUDSTACK_KEY']}
  secret key  {kept['CLOUDSTACK_SECRET']}
  in a shell  . {HOME / 'env'} && cs listGpuDevices
""", flush=True)


def alone(data, mine):
    """The lock on the data: held by the service as well, so a run that was killed lets go when its service has ended."""
    lock = open(HOME / "lock" if mine else data / "demo.lock", "w")
    end = time.monotonic() + 15
    told = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except OSError:
            if time.monotonic() > end:
                raise SystemExit(f"another demo runs on {data}: stop it, or give this one --data DIR") from None
            if not told:
                print(f"waiting for the demo before this one to let go of {data}", flush=True)
                told = True
        time.sleep(0.1)


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    arguments = options()
    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, interrupted)
    data = arguments.data or HOME / "data"
    for directory in (HOME, data):
        directory.mkdir(parents=True, exist_ok=True)
    service = None
    try:
        lock = alone(data, not arguments.data)
        if not arguments.data:
            shutil.rmtree(data)
            data.mkdir()
        service = Service(arguments.program, data, arguments.port, [lock], lambda told: remember(told, data))
        run(service, data, arguments)
        if not arguments.once:
            print("Ctrl-C stops everything.", flush=True)
            if status := service.wait():
                raise SystemExit(f"demo: csgpu ended by itself ({status}), see {service.log}")
    except Refused as refused:
        raise SystemExit(f"demo: refused: {refused}") from None
    except KeyboardInterrupt:
        if arguments.once:
            return 130
    finally:
        if service:
            service.stop()
            if arguments.real:
                subprocess.run([RIG / "stop", "--fast", "demo"], check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
