"""Acts on modules when the program imports them, and imports none itself."""

import sys

_waiting = {}


def when_imported(name, do):
    """Calls `do(module)` once the module has been executed and before the importer gets it; at once if it is there."""
    module = sys.modules.get(name)
    if module is not None:
        do(module)
        return
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    _waiting.setdefault(name, []).append(do)


class _Finder:
    """Finds what is waited for the way that all the others find it, and puts us behind its execution."""

    def find_spec(self, name, path=None, target=None):
        if name not in _waiting:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None and finder is not self else None
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader)
                return spec
        return None


class _Loader:
    """A loader that acts after another, and leaves no trace of itself."""

    def __init__(self, inner):
        self._inner = inner

    def create_module(self, spec):
        return self._inner.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = self._inner
        module.__loader__ = self._inner
        self._inner.exec_module(module)
        for do in _waiting.pop(module.__name__, ()):
            do(module)

    def __getattr__(self, name):
        return getattr(self._inner, name)
