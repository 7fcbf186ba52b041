"""A LightningModule with Muon and AdamW: one call in configure_optimizers is another.

    pip install "libmuon[torch]" lightning
    python lightning_module.py
"""

import sys
import tempfile

import lightning
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from libmuon.torch import MuonWithAdamW


class Digest(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 64), nn.ReLU(), nn.Linear(64, 2)
        )

    def training_step(self, batch, index):
        inputs, targets = batch
        loss = nn.functional.cross_entropy(self.model(inputs), targets)
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        optimizer = MuonWithAdamW(self, lr=3e-3)  # was: torch.optim.AdamW(self.parameters(), lr=3e-3)
        return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)]


def trained(folder: str, epochs: int, checkpoint: str | None = None) -> tuple[Digest, float]:
    lightning.seed_everything(0, verbose=False)
    x = torch.randn(256, 1, 8, 8)
    data = DataLoader(TensorDataset(x, (x.mean((1, 2, 3)) > 0).long()), batch_size=32)
    module = Digest()
    trainer = lightning.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, default_root_dir=folder,
        enable_progress_bar=False, enable_model_summary=False,
    )
    trainer.fit(module, data, ckpt_path=checkpoint)
    trainer.save_checkpoint(f"{folder}/{epochs}.ckpt")
    return module, float(trainer.callback_metrics["loss"])


def main() -> None:
    folder = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()
    whole, loss = trained(folder, 4)
    trained(folder, 2)
    resumed, _ = trained(folder, 4, f"{folder}/2.ckpt")
    same = all(map(torch.equal, whole.parameters(), resumed.parameters()))
    print(f"loss {loss:.3f}; resumed after 2 of 4 epochs, it ends with", "the same" if same else "others")
    sys.exit(not same)


if __name__ == "__main__":
    main()
