#!/usr/bin/env python3
"""The guides of guides/ are followed, word for word, as rendered for a relay
that runs here: each product sends its test message, by listed address, with
required TLS, with AUTH; with a password full of marks it signs in to a sink.
Arguments: names of guides; --nightly adds what is heavy."""
import os
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from world import HOST, SINK, USER, World, received  # noqa: E402
from postrider import Results, check_memory_reports  # noqa: E402
import dialogues  # noqa: E402
import follow  # noqa: E402
import products  # noqa: E402

HARD = "p\"w\\d:#$HOME'^{x} %s=`%&*!~|<>;?/"
SEVERAL = 4
OPTIONAL = {"tls": "optional", "auth": False, "foreign": False}
REQUIRED = {**OPTIONAL, "tls": "required"}
LOGIN = {**REQUIRED, "auth": True}
# What it is called, the choices, what the relay must have seen; every day or
# only in the long form.
DAILY, NIGHTLY = True, False
WAYS = (
    ("address", OPTIONAL, "ESMTP", DAILY),
    ("port 587", {**OPTIONAL, "port": 587}, "ESMTP", NIGHTLY),
    ("TLS", REQUIRED, "ESMTPS", NIGHTLY),
    ("TLS on 465", {**REQUIRED, "port": 465}, "ESMTPS", DAILY),
    ("AUTH", LOGIN, "ESMTPSA", DAILY),
    ("AUTH on 465", {**LOGIN, "port": 465}, "ESMTPSA", NIGHTLY),
)
LONG = "--nightly" in sys.argv


def values(world, address, host=HOST, password=None):
    return {"host": host, "helo": products.HELO, "domain": "example.com",
            "address": address, "user": USER,
            "password": password or world.password}


def of(world, address):
    mark = f"Return-Path: <{address}>".encode()
    return [m for m in world.messages() if mark in m]


def wait(world, product, address, n):
    try:
        world.service.wait_for(lambda: len(of(world, address)) >= n)
    except RuntimeError as e:
        raise RuntimeError(product.log()) from e
    return of(world, address)


def each_way(results, world, product, kind):
    """Follows the guide from a fresh machine for each of the choices."""
    for i, (name, choices, seen, daily) in enumerate(WAYS):
        if not (daily or LONG):
            continue
        port = choices.get("port")
        address = f"{kind.guide}-{i}@example.com"
        page = follow.pages([{"id": kind.guide, "choices": choices,
                              "values": values(world, address)}])[0]
        if port and page["port"] != port:
            continue                # it can't use that port
        with results.test(f"{kind.guide} {name}"):
            product.before()
            follow.follow(product.root, page)
            line = received(wait(world, product, address, 1)[0])
            expected = "ESMTPS" if seen == "ESMTP" and kind.opportunistic \
                else seen
            assert f" with {expected} " in line, line
            assert f"from {product.helo} " in line, line


def insists(results, world, product, kind):
    """Where TLS is required it does not send in clear."""
    page = follow.pages([{
        "id": kind.guide, "choices": {**REQUIRED, "port": 25},
        "values": values(world, "clear@example.com", SINK)}])[0]
    with results.test(f"{kind.guide} sends nothing in clear"):
        product.before()
        before = len(world.plain_sink.messages)
        try:
            follow.follow(product.root, page)
        except RuntimeError:
            pass                # a program without a queue fails
        world.service.wait_for(lambda: world.plain_sink.connections)
        assert len(world.plain_sink.messages) == before


def hard_password(results, world, product, kind):
    page = follow.pages([{
        "id": kind.guide, "choices": LOGIN,
        "values": values(world, f"{kind.guide}@example.com", SINK, HARD)}])[0]

    def arrived():
        return [m for m in world.sink.messages
                if f"<{kind.guide}@example.com>" in m["mail"]]
    with results.test(f"{kind.guide} password with marks"):
        product.before()
        try:
            follow.follow(product.root, page)
            world.service.wait_for(arrived)
        except RuntimeError as e:
            raise RuntimeError(f"{str(e)[:300]}\n{product.log()}") from e
        assert [x.decode() for x in arrived()[0]["auth"]] == [USER, HARD], \
            arrived()[0]["auth"]


def reuse(results, world, product, kind):
    """Several messages on one connection, with TLS and login."""
    address = f"{kind.guide}-reuse@example.com"
    page = follow.pages([{"id": kind.guide, "choices": LOGIN,
                          "values": values(world, address)}])[0]
    with results.test(f"{kind.guide} reuses the connection"):
        product.before()
        follow.follow(product.root, page, ("setup", "reload"))
        product.several(page, SEVERAL)
        found = wait(world, product, address, SEVERAL)
        sessions = [world.session_of(m) for m in found]
        assert len(set(sessions)) < SEVERAL, (sessions, product.log())


def one_product(results, world, kind, where):
    product = None
    try:
        with results.test(f"{kind.guide} stands"):
            product = kind(where, world)
        if product is None:
            return
        each_way(results, world, product, kind)
        if kind.auth:
            hard_password(results, world, product, kind)
        if kind.tls:
            insists(results, world, product, kind)
        if kind.reuses:
            reuse(results, world, product, kind)
    finally:
        if product:
            product.close()


def wanted(names):
    kinds = list(products.SERVERS + products.PROGRAMS)
    if LONG:
        kinds.append(products.Java)
    return [k for k in kinds if not names or k.guide in names]


def shape():
    """The guides as data, and the renderer: tests in its own language."""
    subprocess.run(["node", os.path.join(HERE, "shape.mjs")], check=False)


def main():
    names = [a for a in sys.argv[1:] if not a.startswith("-")]
    results = Results()
    if not names:
        shape()
    if os.geteuid() != 0:
        results.skip("guides", "private roots need root")
        results.finish()
    where = tempfile.mkdtemp(prefix="postrider-guides-")
    world = World(where)
    try:
        threads = [threading.Thread(target=one_product,
                                    args=(results, world, k, where))
                   for k in wanted(names)]
        for t in threads:
            t.start()
        if not names:
            dialogues.tests(world, results, of)
        for t in threads:
            t.join()
        with results.test("stops in order"):
            assert world.service.stop() == 0
        check_memory_reports(world.service, results)
    finally:
        world.close()
        shutil.rmtree(where, ignore_errors=True)
    results.finish()


main()
