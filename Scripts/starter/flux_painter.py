"""The FLUX-type painter: CLIP and T5 text encoders and the transformer, very small, trained as one."""
import math

import torch
from diffusers import FluxTransformer2DModel
from torch import nn
from transformers import CLIPTextModel, T5Config, T5EncoderModel

from painter import make_encoder

SUMMARY_WIDTH, TEXT_WIDTH = 64, 64
PATCHES = 8              # 16 x 16 latents, packed two by two, are 8 x 8 image tokens
TEXT_TOKENS = 24         # that training computes; the last of them stands for all the further padding
HEADS, HEAD_WIDTH = 4, 32


def make_t5(vocabulary: int) -> T5EncoderModel:
    """T5's encoder. Distances from 16 on are all the same to it, so that all padding far from the words is the same too."""
    model = T5EncoderModel(T5Config(
        vocab_size=vocabulary, d_model=TEXT_WIDTH, d_kv=32, num_heads=2, d_ff=128, num_layers=2, feed_forward_proj="gated-gelu",
        relative_attention_num_buckets=16, relative_attention_max_distance=16, dropout_rate=0.0, use_cache=False,
        is_encoder_decoder=False, attn_implementation="eager", pad_token_id=0, eos_token_id=1))
    nn.init.normal_(model.shared.weight, std=0.3)
    for name, parameter in model.named_parameters():
        if "relative_attention_bias" in name:
            nn.init.zeros_(parameter)
        elif name.endswith((".q.weight", ".k.weight")):      # T5's own products are not divided by the width's root
            nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5 * 32**-0.25)
        elif parameter.dim() == 2 and "shared" not in name and "embed_tokens" not in name:
            nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
    return model


def make_transformer() -> FluxTransformer2DModel:
    """FLUX's transformer without guidance embedding (schnell's kind). Its blocks start as identities: every gate is zero."""
    model = FluxTransformer2DModel(
        patch_size=1, in_channels=64, num_layers=1, num_single_layers=6, attention_head_dim=HEAD_WIDTH,
        num_attention_heads=HEADS, joint_attention_dim=TEXT_WIDTH, pooled_projection_dim=SUMMARY_WIDTH, guidance_embeds=False,
        axes_dims_rope=(4, 14, 14))
    for name, parameter in model.named_parameters():
        if ".linear." in name and "norm" in name or name.startswith("proj_out"):
            nn.init.zeros_(parameter)
        elif name.endswith(("to_q.bias", "to_k.bias", "add_q_proj.bias", "add_k_proj.bias")):
            # Only turned queries and keys tell where an image token is: with constant parts they do so from the first step on.
            nn.init.normal_(parameter, std=1.0)
        elif parameter.dim() == 2:
            nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
            if name.endswith("proj_out.weight") or "to_out" in name or "to_add_out" in name:
                parameter.data *= 0.5
    return model


def image_positions() -> torch.Tensor:
    """`[64, 3]`: 0, row and column of each image token."""
    row = torch.arange(PATCHES * PATCHES) // PATCHES
    return torch.stack([torch.zeros_like(row), row, torch.arange(PATCHES * PATCHES) % PATCHES], 1).float()


def pack(latents: torch.Tensor) -> torch.Tensor:
    """`[count, 16, 16, 16]` latents as `[count, 64, 64]` image tokens, in FLUX's order."""
    count, channels, height, width = latents.shape
    cells = latents.view(count, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return cells.reshape(count, height // 2 * (width // 2), channels * 4)


class FluxPainter(nn.Module):
    """CLIP's encoder gives the summary, T5's the words, the transformer the velocity from picture to noise."""

    def __init__(self, clip_vocabulary: int, t5_vocabulary: int):
        super().__init__()
        self.clip = make_encoder(CLIPTextModel, SUMMARY_WIDTH, 2, "quick_gelu", clip_vocabulary, padding=clip_vocabulary - 1)
        self.t5 = make_t5(t5_vocabulary)
        self.transformer = make_transformer()

    def forward(self, noisy, times, clip_tokens, t5_tokens, lengths=None):
        """The predicted velocity `[count, 64, 64]` of noisy image tokens at `times` in 0...1.

        FLUX reads hundreds of padding tokens unmasked. They have no positions in the transformer, so all that are far enough from
        the words stay equal to each other in every layer: with `lengths` (`[count]`, how many T5 tokens each text has with its
        padding) the last token computed stands for all that follow, its weight in every softmax multiplied by their number.
        """
        summary = self.clip(clip_tokens).pooler_output
        count, texts, images = len(noisy), t5_tokens.shape[1], noisy.shape[1]
        extra, mask = None, None
        if lengths is not None:
            more = torch.where(t5_tokens[:, -1] == 0, lengths - texts + 1, 1).float().log()
            extra = torch.zeros(count, 1, texts, texts)
            extra[..., -1] = more[:, None, None]
            mask = torch.zeros(count, 1, 1, texts + images)
            mask[..., texts - 1] = more[:, None, None]
        words = self.t5(t5_tokens, attention_mask=extra).last_hidden_state
        return self.transformer(
            hidden_states=noisy, encoder_hidden_states=words, pooled_projections=summary, timestep=times,
            img_ids=image_positions(), txt_ids=torch.zeros(texts, 3),
            joint_attention_kwargs=None if mask is None else {"attention_mask": mask}).sample
