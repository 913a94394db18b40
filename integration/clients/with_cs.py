"""The main job through the Python package `cs`: a user of that package writes it like this."""

import sys

from cs import CloudStack, CloudStackApiException
from playground import Service, build_cloud, gpu_cards


def client(service, method):
    return CloudStack(endpoint=service.url, key=service.told["api key"], secret=service.told["secret key"],
                      method=method, poll_interval=0.1, job_timeout=60)


def through(cs):
    """How the playground calls: a command, its parameters, the job's result if there is a job."""
    return lambda command, **params: getattr(cs, command)(fetch_result=True, **params)


def refusals(cs):
    """An error has CloudStack's number and a text."""
    for command, params, code, words in [
        ("listHosts", {"id": "no-id"}, 431, "no-id"),
        ("deployVirtualMachine", {}, 431, "missing parameter"),
        ("noSuchCommand", {}, 401, "verify user credentials"),
    ]:
        try:
            getattr(cs, command)(**params)
        except CloudStackApiException as refused:
            assert refused.error["errorcode"] == code, (command, refused.error)
            assert words in refused.error["errortext"], (command, refused.error)
        else:
            raise AssertionError(f"{command} {params} was not refused")
    stranger = CloudStack(endpoint=cs.endpoint, key=cs.key, secret="wrong")
    try:
        stranger.listZones()
    except CloudStackApiException as refused:
        assert refused.error["errorcode"] == 401, refused.error
    else:
        raise AssertionError("a wrong secret was taken")


def life(cs, cloud):
    """An instance with two GPUs, from its offering to the proof that its GPUs are clean."""
    for host in cloud.hosts:
        assert cs.discoverGpuDevices(id=host["id"], fetch_result=True)["count"] == 8
    devices = cs.listGpuDevices(fetch_list=True)
    assert len(devices) == 16 and all(device["state"] == "Free" for device in devices), devices
    # a small page makes the client turn pages
    assert cs.listGpuDevices(fetch_list=True, pagesize=5) == devices
    offering = cs.createGpuOffering(
        name="two", displaytext="Two GPUs",
        gpualternatives=[{"gpucardid": card, "gpucount": 2} for card, _, _ in gpu_cards(devices)],
    )["gpuoffering"]
    vm = cs.deployVirtualMachine(
        zoneid=cloud.zone["id"], serviceofferingid=cloud.offering["id"], templateid=cloud.template["id"],
        networkids=[cloud.network["id"]], gpuofferingid=offering["id"], name="worker-1",
        userdata="I2Nsb3VkLWNvbmZpZwo=", fetch_result=True,
    )["virtualmachine"]
    assert (vm["state"], vm["name"], vm["gpucount"]) == ("Running", "worker-1", 2), vm
    [seen] = cs.listVirtualMachines(id=vm["id"])["virtualmachine"]
    assert seen["gpuofferingid"] == offering["id"] and seen["nic"][0]["ipaddress"], seen

    def held():
        return cs.listGpuDevices(virtualmachineid=vm["id"], fetch_list=True)

    mine = held()
    assert len(mine) == 2 and {device["state"] for device in mine} == {"Allocated"}, mine
    assert len({(device["hostid"], device["numanode"]) for device in mine}) == 1, mine
    assert cs.stopVirtualMachine(id=vm["id"], forced=True, fetch_result=True)["virtualmachine"]["state"] == "Stopped"
    assert {device["id"] for device in held()} == {device["id"] for device in mine}
    assert cs.startVirtualMachine(id=vm["id"], fetch_result=True)["virtualmachine"]["state"] == "Running"
    assert cs.rebootVirtualMachine(id=vm["id"], fetch_result=True)["virtualmachine"]["state"] == "Running"
    cs.destroyVirtualMachine(id=vm["id"], expunge=True, fetch_result=True)
    assert cs.listVirtualMachines(id=vm["id"]) == {} and held() == []
    assert {device["state"] for device in cs.listGpuDevices(fetch_list=True)} == {"Free"}
    assert cs.deleteGpuOffering(id=offering["id"])["success"] in (True, "true")


def main(program, data):
    service = Service(program, data)
    try:
        for method in ("get", "post"):
            cs = client(service, method)
            cloud = build_cloud(through(cs), service.data)
            refusals(cs)
            life(cs, cloud)
            print(f"cs by {method.upper()}: the main job is done")
    finally:
        service.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
