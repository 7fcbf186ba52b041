"""transformers' Trainer with Muon and AdamW: one argument. Trains a small Llama to count, is stopped, and
goes on from the Trainer's checkpoint.

    pip install "libmuon[torch]" transformers accelerate
    python transformers_trainer.py
"""

import sys
import tempfile

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

from libmuon.torch import MuonWithAdamW

CONFIG = LlamaConfig(
    vocab_size=64, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2,
)
TEXTS = [{"input_ids": ids, "labels": ids} for ids in (torch.arange(i, i + 16) % 64 for i in range(256))]


def trainer(folder: str, max_steps: int) -> Trainer:
    torch.manual_seed(0)
    model = LlamaForCausalLM(CONFIG)
    arguments = TrainingArguments(
        folder, per_device_train_batch_size=16, max_steps=max_steps, save_steps=20, logging_steps=10,
        learning_rate=3e-3, lr_scheduler_type="constant", report_to=[], use_cpu=True,
        disable_tqdm=True, seed=0,
    )
    return Trainer(
        model, arguments, train_dataset=TEXTS,
        # The Trainer gives everything here to the class, and its own scheduler drives both sides.
        optimizer_cls_and_kwargs=(MuonWithAdamW, {"model": model, "lr": 3e-3, "no_decay": True}),
    )


def main() -> None:
    folder = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()
    whole = trainer(folder, 40)
    print(f"loss of the last of 40 steps: {whole.train().training_loss:.3f} on average")
    print(whole.optimizer.optimizer.routes)
    resumed = trainer(folder, 40)
    resumed.train(resume_from_checkpoint=f"{folder}/checkpoint-20")
    same = all(map(torch.equal, whole.model.parameters(), resumed.model.parameters()))
    print("resumed after 20 steps, it ends with", "the same parameters" if same else "others")
    sys.exit(not same)


if __name__ == "__main__":
    main()
