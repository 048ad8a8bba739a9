"""What a hostile notebook does with Python, Jupyter and papermill, and what it puts out."""

from __future__ import annotations

from attacks.attack import Seen, attack

attack(
    "pickle",
    """
    import pickle
    class Harm:
        def __reduce__(self):
            return os.system, (f"touch {W['root']}/{W['mark']} /usr/{W['mark']} {W['places']['key']}",)
    say(pickle.loads(pickle.dumps(Harm())))
""",
    batch="python",
)
attack(
    "at-exit",
    """
    import atexit, signal, threading, time, weakref
    def late(*_):
        for folder in (W["root"], "/usr", "/box/lib"):
            try:
                write(f"{folder}/{W['mark']}-late")
            except OSError:
                pass
        time.sleep(30)
    atexit.register(late)
    threading.Thread(target=late, daemon=False).start()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, late)
    class Last:
        __del__ = late
    last = Last()
    say("later")
""",
    batch="python",
)
attack(
    "leave-traces",
    """
    for path in ("/tmp/home/ipython/profile_default/startup/00-attack.py",
                 "/tmp/home/.local/lib/python3/site-packages/usercustomize.py",
                 "/tmp/home/jupyter/jupyter_config.py", "/box/run/modules/pandas.py", "/box/run/sitecustomize.py",
                 "/tmp/trace", "/dev/shm/trace", "/box/run/outputs/trace"):
        assert not os.path.exists(path), "somebody was here before: " + path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write(path, "print('attack was here')")
""",
    batch="python",
)
attack(
    "find-traces",
    """
    for top in ("/tmp", "/dev/shm", "/box/run"):
        for folder, _, names in os.walk(top):
            if not folder.startswith((sys.prefix, sys.base_prefix)):
                traces = [name for name in names if "trace" in name or "attack" in name or "customize" in name]
                assert not traces, (folder, traces)
    assert "attack was here" not in sys.modules
    say("a fresh box")
""",
    batch="python-again",
    after="leave-traces",
)
attack(
    "magics",
    """
    shell = get_ipython()
    shell.system("cat " + W["places"]["key"])
    outside, key = f"{W['root']}/{W['mark']}", W["places"]["key"]
    for line in ("sx cat /etc/shadow", f"run {key}", f"load {key}", "env", "store", f"cd {W['root']}",
                 "pip --version", f"alias harm touch {outside}", "harm", "history -g", f"logstart {outside}"):
        name, _, rest = line.partition(" ")
        try:
            say(name, shell.run_line_magic(name, rest))
        except BaseException as error:
            say(name, type(error).__name__)
    for name, line, body in (
        ("bash", "", f"cat {W['places']['book']}; echo x > {outside}; exec 3<>/dev/tcp/127.0.0.1/{W['port']}"),
        ("writefile", outside, "x"),
        ("script", "sh -c 'cat; sleep 600' --bg", "x"),
        ("python3", "", f"open({W['places']['key']!r}).read()"),
    ):
        try:
            shell.run_cell_magic(name, line, body)
        except BaseException as error:
            say(name, type(error).__name__)
""",
    batch="python",
)
attack(
    "kernel-messages",
    """
    session, socket = get_ipython().kernel.session, get_ipython().kernel.iopub_socket
    parent = get_ipython().kernel.get_parent()
    for kind, told in (
        ("execute_result", {"data": {"application/javascript": "alert(1)"}, "metadata": {}, "execution_count": 1}),
        ("display_data", {"data": {"text/html": ["<script>", 3, None]}, "metadata": {"evil": True}}),
        ("display_data", {"data": "text", "metadata": None}),
        ("stream", {"name": "reply", "text": "x"}),
        ("stream", {"name": "stdout", "text": "forged\\n"}),
        ("status", {"execution_state": "dead"}),
        ("comm_open", {"comm_id": "x", "target_name": "jupyter.widget",
                       "data": {"state": {"_model_name": "OutputModel"}}}),
        ("comm_msg", {"comm_id": "x", "data": {"method": "update", "state": {"msg_id": "x", "outputs": [1]}}}),
        ("clear_output", {"wait": True}),
        ("update_display_data", {"data": {"text/plain": "x"}, "transient": {"display_id": "../../x"}, "metadata": {}}),
        ("unheard_of", {"x": 1}),
    ):
        session.send(socket, kind, told, parent=parent)
    say("sent")
""",
    batch="messages",
    fault=("*",),
)
attack(
    "forge-papermill",
    """
    from IPython.display import display
    display({"application/papermill.record+json": {"x": 1}, "text/plain": "record"}, raw=True)
    get_ipython().kernel.shell.set_next_input("import os; os.system('x')", replace=True)
    say("set")
""",
    batch="python",
)
attack(
    "ask-for-input",
    """
    import getpass
    attempt("input", lambda: input("password? "))
    attempt("getpass", lambda: getpass.getpass())
""",
    batch="python",
)


def _only_known(seen: Seen) -> None:
    """No form of an output that could act, whatever a notebook displays."""
    allowed = {"text/plain", "text/html", "text/markdown", "image/png", "image/svg+xml"}
    for output in seen.outputs:
        assert set(output) <= {
            "output_type",
            "name",
            "text",
            "data",
            "metadata",
            "execution_count",
            "ename",
            "evalue",
            "traceback",
        }
        assert set(output.get("data", {})) <= allowed
        assert output.get("metadata", {}) == {}


attack(
    "active-outputs",
    """
    from IPython.display import display
    for kind in ("application/javascript", "application/vnd.jupyter.widget-view+json", "application/x-evil",
                 "text/latex", "application/vnd.plotly.v1+json", "application/vnd.vegalite.v5+json", "video/mp4",
                 "application/pdf", "image/jpeg", "TEXT/HTML", "text/html; charset=x", "__proto__", "../../x"):
        display({kind: "<script>fetch('https://example.org')</script>"}, raw=True)
        told = {"a": ["<script>"]} if kind.endswith("+json") else ["<script>", "x"]
        display({kind: told, "text/plain": "beside"}, raw=True, metadata={"isolated": True, "evil": "<script>"})
    display({"text/html": "<img src=x onerror=alert(1)><iframe srcdoc='<script>'></iframe>"}, raw=True)
    display({"image/svg+xml": "<svg onload='alert(1)'><script>alert(1)</script></svg>"}, raw=True)
    display({"text/markdown": "[x](javascript:alert(1)) <script>alert(1)</script>"}, raw=True)
""",
    batch="python",
    judge=_only_known,
)


def _clean(seen: Seen) -> None:
    """No sign that steers a terminal or breaks an encoding comes through."""
    _only_known(seen)
    for output in seen.outputs:
        for text in (output.get("text", ""), *output.get("data", {}).values()):
            text.encode("utf-8")
            assert not any(sign in text for sign in "\x00\x07\x08\x1b")


attack(
    "signs",
    """
    from IPython.display import display
    print("\\x1b]0;title\\x07\\x1b[2J\\x1b[31mred\\x00\\x08\\x7f \\u202etxt.exe")
    display({"text/plain": "\\x1b[5mblink"}, raw=True)
    display({"text/html": "<b>\\x00\\x1b[2J</b>"}, raw=True)
    attempt("half a sign", lambda: (display({"text/plain": "\\ud800"}, raw=True), 1 / 0))
""",
    batch="python",
    judge=_clean,
)


def _no_false_picture(seen: Seen) -> None:
    _only_known(seen)
    assert not any("image/png" in output.get("data", {}) for output in seen.outputs)


attack(
    "false-pictures",
    """
    import base64
    from IPython.display import display
    for data in ("<script>alert(1)</script>", "not base64!", "data:text/html,x", ["x"],
                 *(base64.b64encode(one).decode() for one in (b"<svg onload=x>", b"GIF89a<script>"))):
        display({"image/png": data}, raw=True)
""",
    batch="python",
    judge=_no_false_picture,
)
attack(
    "broken-outputs",
    """
    from IPython.display import display
    display({"text/plain": {"deep": [[[[[[[[["x"]]]]]]]]]}, "text/html": 5, "image/svg+xml": None}, raw=True)
    display({"text/markdown": True}, raw=True)
    display({"text/plain": ["a", "b", 3]}, raw=True)
    display({}, raw=True)
    source = {"url": "file://" + W["places"]["key"]}
    display({"application/vnd.vegalite+json": {"data": source, "mark": "bar"}}, raw=True)
    display({"application/vnd.vegalite+json": {"$schema": "x", "layer": [{}] * 100}}, raw=True)
    display({"application/vnd.vegalite+json": "process.exit()"}, raw=True)
""",
    batch="messages",
    fault=("*",),
    judge=_only_known,
)
