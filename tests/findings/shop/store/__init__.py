from .disk import Disk, load_all
