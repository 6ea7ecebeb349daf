from .store import load_all
